%% Bignums: factorials, the 40,000th Fibonacci number, powers, division and text.
-module(b_bignums).
-export([run/0]).

run() ->
    {lists:sum([factorial(3000, 1) rem 1000003 || _ <- lists:seq(1, 60)]), lists:sum([fib(40000, 0, 1) rem 1000003 || _ <- lists:seq(1, 5)]),
     power(3, 40000, 1) rem 1000003, modular(2500, 1 bsl 255 - 19, 1 bsl 250 + 12345), length(integer_to_list(factorial(6000, 1)))}.

factorial(0, Acc) -> Acc;
factorial(N, Acc) -> factorial(N - 1, Acc * N).

fib(0, A, _) -> A;
fib(N, A, B) -> fib(N - 1, B, A + B).

power(_, 0, Acc) -> Acc;
power(Base, N, Acc) when N band 1 =:= 1 -> power(Base, N - 1, Acc * Base);
power(Base, N, Acc) -> power(Base * Base, N bsr 1, Acc).

%% Arithmetic as cryptography does it: a few words, multiplied and reduced.
modular(N, Modulus, Start) -> squares(N * 100, Modulus, Start) band 16#FFFFFF.

squares(0, _, X) -> X;
squares(N, Modulus, X) -> squares(N - 1, Modulus, (X * X + N) rem Modulus).
