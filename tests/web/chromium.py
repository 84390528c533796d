"""A browser without a window, driven by its own protocol: opens a page, runs a line of script in it, and takes its picture."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
STARTS_S: Final = 60.0
LOOKS_S: Final = 60.0


def installed() -> str | None:
    return next((found for found in map(shutil.which, NAMES) if found), None)


@dataclass
class Page:
    """One tab. `frame` in `run`: the document inside the first frame of the page, for what is shown on another site."""

    socket: ClientConnection
    numbers: Any = field(default_factory=lambda: count(1))

    async def asked(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        call = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        await self.socket.send(json.dumps(call))
        while True:
            answer = json.loads(await self.socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    async def run(self, script: str, session: str | None = None) -> Any:
        found = await self.asked("Runtime.evaluate", session, expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, script: str, session: str | None = None) -> Any:
        """What the script says once it says something true. Raises TimeoutError."""
        async with asyncio.timeout(LOOKS_S):
            while not (said := await self.run(script, session)):  # noqa: ASYNC110 - the page sends no event of it
                await asyncio.sleep(0.1)
        return said

    async def open(self, url: str, width: int, height: int) -> None:
        is_phone = width < 600
        await self.asked("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone)
        await self.asked("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def frame(self, address: str) -> str:
        """The session of the frame that shows this address, once it is there: another site's frame is a target of its own."""
        async with asyncio.timeout(LOOKS_S):
            while True:
                for target in (await self.asked("Target.getTargets"))["targetInfos"]:
                    if target["type"] == "iframe" and address in target["url"]:
                        attached = await self.asked("Target.attachToTarget", targetId=target["targetId"], flatten=True)
                        return str(attached["sessionId"])
                await asyncio.sleep(0.1)

    async def picture(self, file: Path) -> bytes:
        octets = base64.b64decode((await self.asked("Page.captureScreenshot", format="png"))["data"])
        await asyncio.to_thread(file.write_bytes, octets)
        return octets


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """A browser of its own, with nothing in it, and its one page."""
    program = installed()
    assert program is not None, "no Chromium is installed"
    started = await asyncio.create_subprocess_exec(
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--site-per-process",
        "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = await _port(folder / "DevToolsActivePort")
        async with httpx.AsyncClient() as client:
            tabs = (await client.get(f"http://127.0.0.1:{port}/json")).json()
        url = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        async with connect(url, max_size=None) as socket:
            yield Page(socket)
    finally:
        started.terminate()
        await started.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(STARTS_S):
        while not file.is_file() or "\n" not in file.read_text():  # noqa: ASYNC110, ASYNC240 - the browser says it nowhere else
            await asyncio.sleep(0.1)
    return int(file.read_text().split("\n")[0])  # noqa: ASYNC240
