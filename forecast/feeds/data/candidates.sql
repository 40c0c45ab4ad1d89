-- The candidates among judged rows, as the acts that their codes tell of: whose host is named first is turned round.
SELECT key, r.event_id, r.day, r.known,
  CASE WHEN c.swapped THEN r.to_actor ELSE r.from_actor END AS a,
  CASE WHEN c.swapped THEN r.from_actor ELSE r.to_actor END AS b,
  coalesce(c.code, r.code) AS code,
  r.mode,
  c.label,
  coalesce(c.category, r.given_category) AS category,
  coalesce(c.severity, CAST(r.given_severity AS TINYINT)) AS severity,
  coalesce(r.given_scale, c.scale) AS scale,
  coalesce(c.counts_as, r.code, r.given_category) || coalesce('/' || r.given_kind, '') AS counts_as,
  r.given_kind AS kind,
  coalesce(c.mutual, false) AS mutual,
  coalesce(c.swapped, false) AS swapped,
  r.mentions, r.sources, r.place, r.url, r.outlet, r.title, r.note,
  CASE WHEN c.swapped THEN r.name_b ELSE r.name_a END AS name_a,
  CASE WHEN c.swapped THEN r.name_a ELSE r.name_b END AS name_b
FROM (SELECT _text, unnest(held, recursive := true) FROM judged WHERE fate = 'kept') r
JOIN sound USING (_text)
LEFT JOIN crosswalk c USING (number)
