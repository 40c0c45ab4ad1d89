-- Rows of one group could be one act: same actors (either way round where it is mutual), code and place; and so
-- could those of one page, by its web address.
SELECT CAST(date_diff('day', DATE '1970-01-01', day) AS BIGINT) AS day,
  CAST(dense_rank() OVER (ORDER BY CASE WHEN mutual THEN least(a, b) ELSE a END,
    CASE WHEN mutual THEN greatest(a, b) ELSE b END, counts_as,
    coalesce(place, '')) AS BIGINT) AS grp,
  CAST(dense_rank() OVER (ORDER BY CASE WHEN mutual THEN least(a, b) ELSE a END,
    CASE WHEN mutual THEN greatest(a, b) ELSE b END, counts_as,
    coalesce(nullif(url, ''), CAST(turn AS VARCHAR))) AS BIGINT) AS page,
  (CASE WHEN mutual THEN a < b ELSE NOT swapped END) AS forward,
  again
FROM rows ORDER BY turn
