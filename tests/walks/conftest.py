from tests.world.seeded import harbour, harbour_copy_url, harbour_owner, harbour_template, harbour_url

__all__ = ["harbour", "harbour_copy_url", "harbour_owner", "harbour_template", "harbour_url"]
