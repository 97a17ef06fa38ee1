%% Higher-order functions: closures called through OTP's lists module.
-module(b_funs).
-export([run/0]).

run() -> loop(10000, lists:seq(1, 3000), 0).

loop(0, _, Acc) -> Acc;
loop(N, List, Acc) ->
    Mapped = lists:map(fun(X) -> X * N end, List),
    Kept = lists:filter(fun(X) -> X rem 3 =/= 0 end, Mapped),
    Sum = lists:foldl(fun(X, A) -> A + X end, 0, Kept),
    loop(N - 1, List, Acc + Sum).
