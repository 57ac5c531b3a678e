-- Which parts of the site are slow, and for how many requests?
-- table: alb_access_log
select request_host,
       regexp_extract(request_path, '^/[^/]*') as part,
       count(*) as requests,
       round(approx_percentile(target_processing_time, 0.5), 3) as p50,
       round(approx_percentile(target_processing_time, 0.95), 3) as p95
from alb_access_log
where date >= date_format(current_date - interval '1' day, '%Y-%m-%d')
group by 1, 2
having count(*) >= 20
order by p95 desc
limit 50;
