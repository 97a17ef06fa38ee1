%% Processes born, spoken to once, and dead: 700,000 of them.
-module(b_spawn).
-export([run/0]).

run() -> loop(700000, self(), 0).

loop(0, _, Sum) -> Sum;
loop(N, Self, Sum) ->
    spawn(fun() -> Self ! {done, N} end),
    receive {done, N} -> loop(N - 1, Self, Sum + N) end.
