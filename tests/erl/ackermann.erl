%% Ackermann's function: a call nested in the argument of another, and a stack
%% that grows and shrinks all the time.
%% gcstress: small
-module(ackermann).
-export([main/0, main/1]).

main() ->
    table(3, 5),
    erlang:display({ack, 2, 300, ack(2, 300)}),
    erlang:display({ack, 3, 8, ack(3, 8)}).

main([small]) ->
    table(2, 5),
    erlang:display({ack, 3, 3, ack(3, 3)}).

table(MaxM, MaxN) ->
    [erlang:display({ack, M, N, ack(M, N)})
     || M <- seq(0, MaxM), N <- seq(0, MaxN)],
    ok.

ack(0, N) -> N + 1;
ack(M, 0) -> ack(M - 1, 1);
ack(M, N) -> ack(M - 1, ack(M, N - 1)).

seq(From, To) when From > To -> [];
seq(From, To) -> [From | seq(From + 1, To)].
