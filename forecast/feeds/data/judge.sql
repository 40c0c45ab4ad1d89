-- The fate of every row of some texts: "source" gives their columns, "parsed" the fields of the layout.
-- `_text` is the place of a row's text, `short` says what is wrong with its cells, `leads` marks the first row of a
-- line; tables `dyads`, `renamed` and `crosswalk`, and the variables of the user's switches stand beside it.
WITH source AS NOT MATERIALIZED ({source}),
parsed AS NOT MATERIALIZED (
  SELECT _text, leads, {fields} FROM source
),
coded AS NOT MATERIALIZED (
  SELECT p.*,
    -- Names that are no country's are nobody's; codes that are not listed stay as they are.
    coalesce(ra.alpha3, CASE WHEN NOT getvariable('named_countries') THEN p.actor_a END) AS from_actor,
    coalesce(rb.alpha3, CASE WHEN NOT getvariable('named_countries') THEN p.actor_b END) AS to_actor,
    x.number, x.category, coalesce(x.restored, false) AS restored,
    CASE WHEN getvariable('published') THEN coalesce(added, day) ELSE day END AS published
  FROM parsed p
  LEFT JOIN renamed ra ON p.actor_a = ra.name
  LEFT JOIN renamed rb ON p.actor_b = rb.name
  LEFT JOIN crosswalk x ON p.code = x.given AND x.mode =
    CASE WHEN getvariable('moded') AND list_contains(getvariable('modes'), p.code || ' ' || p.mode) THEN p.mode ELSE '' END
),
placed AS NOT MATERIALIZED (
  SELECT c.*,
    d.low IS NOT NULL AS asked,
    CASE
      WHEN broken IS NOT NULL THEN 'width'
      WHEN day IS NULL OR day NOT BETWEEN DATE '1800-01-01' AND getvariable('last_day') THEN 'day'
      WHEN added > getvariable('last_day') THEN 'added'
      WHEN added IS NULL AND nullif(trim(shown_added), '') IS NOT NULL THEN 'added'
      -- The two days are told by clocks of different zones.
      WHEN day > added + 1 THEN 'future'
      WHEN number IS NULL THEN 'code'
    END AS fault,
    CASE
      WHEN getvariable('root_only') AND root IS DISTINCT FROM true THEN 'not_root'
      WHEN coalesce(sources, 0) < getvariable('min_sources') THEN 'sources'
      WHEN getvariable('typed_actors') AND typed IS DISTINCT FROM true THEN 'untyped'
    END AS noise
  FROM coded c
  LEFT JOIN dyads d ON d.low = least(from_actor, to_actor) AND d.high = greatest(from_actor, to_actor)
),
judged AS NOT MATERIALIZED (
  SELECT *,
    CASE
      WHEN fault IS NOT NULL THEN fault
      WHEN from_actor IS NULL OR to_actor IS NULL THEN 'actorless'
      WHEN from_actor = to_actor THEN 'domestic'
      WHEN NOT asked THEN 'others'
      WHEN regexp_matches(lower(contexts), '(^|;) *(future|hypothetical|historical|negation|negated) *($|;)')
        THEN 'no_act'
      WHEN category IS NULL THEN 'uncounted'
      WHEN noise IS NOT NULL THEN noise
      ELSE 'kept'
    END AS fate
  FROM placed
)
SELECT _text, leads, fate,
  fault IS NULL AND noise IS NULL AS world,
  CASE WHEN world THEN greatest(published, day) END AS known,
  CASE WHEN fault IS NULL THEN from_actor END AS from_actor,
  CASE WHEN fault IS NULL THEN to_actor END AS to_actor,
  fault IS NULL AND restored AS restored,
  CASE
    WHEN broken IS NOT NULL THEN broken
    WHEN fault IS NOT NULL OR (asked AND fate <> 'kept') THEN
      'row ' || coalesce(event_id, '') || ': ' || left(coalesce(actor_a, '?'), 30)
      || ' to ' || left(coalesce(actor_b, '?'), 30)
      || ', code ' || left(coalesce(code, ''), 60)
      || ', day ' || left(coalesce(shown_day, '')
        || CASE WHEN getvariable('dated') THEN ', published ' || coalesce(shown_added, '') ELSE '' END, 60)
  END AS example,
  CASE WHEN fate = 'kept' THEN struct_pack(event_id, day, known := greatest(published, day), from_actor, to_actor,
    number, mode, mentions, sources, place, url, outlet, title, note, name_a, name_b) END AS held
FROM judged
