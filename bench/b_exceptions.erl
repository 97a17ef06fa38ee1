%% try and catch, taken and not taken, near and far.
-module(b_exceptions).
-export([run/0]).

run() -> loop(14000000, 0).

loop(0, Acc) -> Acc;
loop(N, Acc) ->
    A = try maybe_throw(N) catch throw:X -> X end,
    B = try deep(N, 5) of V -> V catch error:{bottom, W} -> W end,
    loop(N - 1, Acc + A + B).

maybe_throw(N) when N band 1 =:= 0 -> throw(1);
maybe_throw(_) -> 2.

deep(N, 0) when N band 3 =:= 0 -> error({bottom, 3});
deep(_, 0) -> 4;
deep(N, D) -> deep(N, D - 1) + 0.
