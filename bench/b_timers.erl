%% Timers: started, read, cancelled, fired, and `receive ... after`.
-module(b_timers).
-export([run/0]).

run() -> {cancelled(500000, 0), fired(400000), waited(300000, 0), kept(200000)}.

cancelled(0, Sum) -> Sum;
cancelled(N, Sum) ->
    Timer = erlang:start_timer(10000 + N, self(), N),
    true = is_integer(erlang:read_timer(Timer)),
    case erlang:cancel_timer(Timer) of Left when is_integer(Left) -> cancelled(N - 1, Sum + 1) end.

fired(Count) ->
    [erlang:send_after(N band 15, self(), tick) || N <- lists:seq(1, Count)],
    ticks(Count, 0).

ticks(0, Sum) -> Sum;
ticks(N, Sum) -> receive tick -> ticks(N - 1, Sum + 1) end.

waited(0, Sum) -> Sum;
waited(N, Sum) ->
    self() ! N,
    receive M -> waited(N - 1, Sum + M) after 60000 -> exit(late) end.

kept(Count) ->
    Timers = [erlang:send_after(100000 + N, self(), late) || N <- lists:seq(1, Count)],
    length([T || T <- Timers, is_integer(erlang:cancel_timer(T))]).
