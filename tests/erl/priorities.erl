%% Process priorities: a ready process of a higher priority runs first.
%% On OTP this needs a single scheduler (`+S 1`).
-module(priorities).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(race([low, normal, high])),
    ?SHOW(race([high, low, normal])),
    ?SHOW(race([normal, high, max, low])),
    ?SHOW(all_end()),
    ?SHOW(high_wakes_first()).

%% Higher priorities report before lower ones; low and normal share by turns, so
%% only their place behind the others is certain.
race(Priorities) ->
    Self = self(),
    process_flag(priority, max),
    Pids = [spawn_opt(fun() -> Self ! {ran, P} end, [{priority, P}]) || P <- Priorities],
    process_flag(priority, normal),
    Order = [receive {ran, P} -> P end || _ <- Pids],
    [P || P <- Order, P =:= max orelse P =:= high].

%% Low-priority processes starve nobody and are not starved by normal ones.
all_end() ->
    Self = self(),
    Pids = [spawn_opt(fun() -> Self ! {done, self(), burn(200000, 0)} end, [{priority, P}])
            || P <- [low, normal, low, normal, high]],
    [receive {done, Pid, N} -> N end || Pid <- Pids].

burn(0, Acc) -> Acc;
burn(N, Acc) -> burn(N - 1, Acc + 1).

high_wakes_first() ->
    Self = self(),
    Waiters = [spawn_opt(fun() -> receive go -> Self ! {woke, P} end end, [{priority, P}]) || P <- [normal, high]],
    erlang:yield(),
    process_flag(priority, max),
    [W ! go || W <- Waiters],
    process_flag(priority, normal),
    [receive {woke, P} -> P end || _ <- Waiters].
