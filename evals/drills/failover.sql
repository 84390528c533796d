-- name: write_to_one
INSERT INTO gis.area (name, latitude, longitude) VALUES ('written to a server that is fenced', 50, -3) ON CONFLICT (name) DO UPDATE SET latitude = 51;
