-- wilson_low, wilson_high: between which shares does the truth lie?   Wilson's score interval at 95 % (Wilson 1927), z = 1.959964; NULL without trials.
create or replace macro wilson_low(hits, trials) as
case when trials > 0 then greatest(0, (hits / trials + 3.841458881296 / (2 * trials) - 1.959964 * sqrt(hits / trials * (1 - hits / trials) / trials + 3.841458881296 / (4 * trials * trials)))
/ (1 + 3.841458881296 / trials)) end;
create or replace macro wilson_high(hits, trials) as
case when trials > 0 then least(1, (hits / trials + 3.841458881296 / (2 * trials) + 1.959964 * sqrt(hits / trials * (1 - hits / trials) / trials + 3.841458881296 / (4 * trials * trials)))
/ (1 + 3.841458881296 / trials)) end;
comment on macro wilson_low is 'Lower end of the 95 % interval of a share, 0 to 1 (Wilson 1927).';
comment on macro wilson_high is 'Upper end of the 95 % interval of a share, 0 to 1 (Wilson 1927).';
