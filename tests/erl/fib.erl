%% Naive Fibonacci: calls, comparisons and stack frames over small integers.
%% gcstress: small
-module(fib).
-export([main/0, main/1]).

main() ->
    erlang:display([fib(N) || N <- [0, 1, 2, 3, 10, 20]]),
    erlang:display(fib(27)).

main([small]) ->
    erlang:display([fib(N) || N <- [0, 1, 2, 3, 10, 15]]).

fib(N) when N < 2 -> N;
fib(N) -> fib(N - 1) + fib(N - 2).
