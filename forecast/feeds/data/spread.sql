-- A row for each pair of actors and each event of a row, of which three columns hold lists.
-- Without a recipient all who met are named as initiators: each pair of them consulted.
WITH lists AS (
  SELECT *, parts({initiator}) AS _a, parts({recipient}) AS _b, parts({event}) AS _e,
    greatest(len(_a) * len(_b), len(_a) * len(_a) // 2) * greatest(len(_e), 1) AS _rows
  FROM ({rows})
),
checked AS (
  SELECT * REPLACE (
    CASE WHEN _rows > {most} THEN format('names {{:,}} pairs and events, more than {{:,}}', _rows, {most}) ELSE short END
    AS short)
  FROM lists
),
paired AS (
  SELECT *,
    CASE
      WHEN short IS NOT NULL THEN [['', '']]
      WHEN len(_a) > 0 AND len(_b) > 0 THEN flatten([[[x, y] FOR y IN _b] FOR x IN _a])
      WHEN len(_a) > 1 AND len(_b) = 0 THEN flatten([[[x, y] FOR y IN _a[i + 1:]] FOR x, i IN _a])
      ELSE [[array_to_string(_a, ';'), array_to_string(_b, ';')]]
    END AS _pairs,
    CASE WHEN short IS NULL AND len(_e) > 0 THEN _e ELSE [''] END AS _events
  FROM checked
),
acts AS (SELECT *, unnest(_pairs) AS _pair, generate_subscripts(_pairs, 1) AS _place FROM paired)
SELECT * EXCLUDE (_a, _b, _e, _rows, _pairs, _events, _pair, _place)
    REPLACE (_pair[1] AS {initiator}, _pair[2] AS {recipient}, unnest(_events) AS {event}),
  _place = 1 AND generate_subscripts(_events, 1) = 1 AS leads
FROM acts
