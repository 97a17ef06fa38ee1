%% Integer arithmetic in loops: Collatz sequences, greatest common divisors, shifts and masks.
-module(b_arithmetic).
-export([run/0]).

run() -> {longest(1, 400000, 0, 0), divisors(1500, 1500, 0), hash(30000000, 17)}.

longest(N, End, Best, _) when N > End -> Best;
longest(N, End, Best, Length) ->
    case collatz(N, 1) of
        More when More > Length -> longest(N + 1, End, N, More);
        _ -> longest(N + 1, End, Best, Length)
    end.

collatz(1, Steps) -> Steps;
collatz(N, Steps) when N band 1 =:= 0 -> collatz(N bsr 1, Steps + 1);
collatz(N, Steps) -> collatz(3 * N + 1, Steps + 1).

divisors(0, _, Sum) -> Sum;
divisors(A, 0, Sum) -> divisors(A - 1, 1500, Sum);
divisors(A, B, Sum) -> divisors(A, B - 1, Sum + gcd(A, B)).

gcd(A, 0) -> A;
gcd(A, B) -> gcd(B, A rem B).

hash(0, H) -> H;
hash(N, H) -> hash(N - 1, ((H bsl 5) bxor (H bsr 3) bxor N) band 16#3FFFFFFF).
