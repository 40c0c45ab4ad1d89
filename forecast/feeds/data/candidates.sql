-- The candidates among judged rows, as the acts that their codes tell of: whose host is named first is turned round.
SELECT key, r.event_id, r.day, r.known,
  CASE WHEN c.swapped THEN r.to_actor ELSE r.from_actor END AS a,
  CASE WHEN c.swapped THEN r.from_actor ELSE r.to_actor END AS b,
  c.code,
  r.mode,
  c.label,
  c.category,
  c.severity,
  c.counts_as,
  c.mutual,
  c.swapped,
  r.mentions, r.sources, r.place, r.url, r.outlet, r.title, r.note,
  CASE WHEN c.swapped THEN r.name_b ELSE r.name_a END AS name_a,
  CASE WHEN c.swapped THEN r.name_a ELSE r.name_b END AS name_b
FROM (SELECT _text, unnest(held, recursive := true) FROM judged WHERE fate = 'kept') r
JOIN sound USING (_text)
JOIN crosswalk c USING (number)
