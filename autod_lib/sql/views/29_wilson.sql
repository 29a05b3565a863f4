-- wilson_low, wilson_high: between which shares does the truth lie?   Wilson's score interval at 95 % (Wilson 1927), z = 1.959964; NULL without trials.
create or replace macro wilson_low(hits, trials) as
case when trials > 0 then greatest(0, (hits / trials + 3.841458881296 / (2 * trials) - 1.959964 * sqrt(hits / trials * (1 - hits / trials) / trials + 3.841458881296 / (4 * trials * trials)))
/ (1 + 3.841458881296 / trials)) end;
create or replace macro wilson_high(hits, trials) as
case when trials > 0 then least(1, (hits / trials + 3.841458881296 / (2 * trials) + 1.959964 * sqrt(hits / trials * (1 - hits / trials) / trials + 3.841458881296 / (4 * trials * trials)))
/ (1 + 3.841458881296 / trials)) end;
comment on macro wilson_low is 'Lower end of the 95 % interval of a share, 0 to 1 (Wilson 1927).';
comment on macro wilson_high is 'Upper end of the 95 % interval of a share, 0 to 1 (Wilson 1927).';
-- trials_in_effect: of how many independent trials is this evidence, if those of a document hang together?   An aggregate over documents: `hits` and `trials` of each.
-- The fields of a document, and the items of a list, are right or wrong together, so that five labels of one document say less than one of each of five. Korn and
-- Graubard (1998): the trials divided by the design effect, which is the variance of the ratio over that of independent trials (Cochran 1977), and by the square of Student's
-- t over z (by its first term). All right or all wrong shows no spread: then a document counts as one trial. With at most one trial a document it is their number.
create or replace macro trials_in_effect(hits, trials) as
case when sum(trials * trials) = sum(trials) then cast(sum(trials) as double)
     when count(*) filter (where trials > 0) = 1 then 1
     else least(sum(trials), coalesce(
              case when sum(hits) in (0, sum(trials)) then count(*) filter (where trials > 0)
                   else sum(hits) * (sum(trials) - sum(hits)) * (1 - 1 / count(*) filter (where trials > 0))
                        / nullif(sum(hits * hits) - 2 * sum(hits) / sum(trials) * sum(hits * trials) + pow(sum(hits) / sum(trials), 2) * sum(trials * trials), 0) end,
              sum(trials)))
          / pow(1 + 4.841458881296 / (4 * (count(*) filter (where trials > 0) - 1)), 2) end;
comment on macro trials_in_effect is 'The number of independent trials that the trials of several documents are worth (Korn and Graubard 1998). Parameters: hits and trials of each document.';
