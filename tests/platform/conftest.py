from tests.world.seeded import harbour_copy_url, harbour_template

__all__ = ["harbour_copy_url", "harbour_template"]
