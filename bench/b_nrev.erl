%% Naive reverse: list cells built and dropped as fast as the machine can.
-module(b_nrev).
-export([run/0]).

run() -> loop(1800, lists:seq(1, 400), none).

loop(0, _, Last) -> hd(Last);
loop(N, List, _) -> loop(N - 1, List, nrev(List)).

nrev([]) -> [];
nrev([H | T]) -> append(nrev(T), [H]).

append([], L) -> L;
append([H | T], L) -> [H | append(T, L)].
