%% Conversions between calendar times that need no time zone.
-module(calendar_times).
-export([main/0]).
-include("show.hrl").

main() ->
    Times = id([0, 1, 86399, 86400, 951782400, 951868799, 1700000000, 4102444800, -1, -86400, -2208988800, 1 bsl 33]),
    ?SHOW([erlang:posixtime_to_universaltime(T) || T <- Times]),
    ?SHOW([erlang:universaltime_to_posixtime(erlang:posixtime_to_universaltime(T)) =:= T || T <- Times]),
    ?TRY(erlang:posixtime_to_universaltime(id(a))),
    ?TRY(erlang:universaltime_to_posixtime(id({{2024, 13, 1}, {0, 0, 0}}))),
    ?TRY(erlang:universaltime_to_posixtime(id({{2023, 2, 29}, {0, 0, 0}}))),
    ?TRY(erlang:universaltime_to_posixtime(id(x))),
    [?TRY(erlang:universaltime_to_posixtime({{Year, 1, 1}, {0, 0, 0}}))
     || Year <- id([-1, 0, 1599, 1600, 10000000, 2147483646, 2147483647, 1 bsl 62])],
    ?SHOW([calendar:day_of_the_week(Y, 1, 1) || Y <- lists:seq(1999, 2026)]),
    ?SHOW([calendar:is_leap_year(Y) || Y <- id([1900, 2000, 2023, 2024])]),
    ?SHOW(calendar:seconds_to_daystime(id(100000))),
    ?SHOW(calendar:iso_week_number(id({2020, 12, 31}))),
    ?SHOW(calendar:system_time_to_rfc3339(id(1700000000), [{offset, "Z"}])),
    ?SHOW(calendar:rfc3339_to_system_time(id("2024-02-29T12:30:45Z"))).
