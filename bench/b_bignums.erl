%% Bignums: 3,000! and the 40,000th Fibonacci number.
-module(b_bignums).
-export([run/0]).

run() -> {factorial(3000, 1) rem 1000003, fib(40000, 0, 1) rem 1000003}.

factorial(0, Acc) -> Acc;
factorial(N, Acc) -> factorial(N - 1, Acc * N).

fib(0, A, _) -> A;
fib(N, A, B) -> fib(N - 1, B, A + B).
