%% Every operator on pairs of small integers, bignums around each digit's edge and floats, as functions
%% and as instructions; and their texts there and back.
%% gcstress: small
-module(number_mixture).
-export([main/0, main/1]).
-include("show.hrl").

main() -> rounds(400, 12345).

main([small]) -> rounds(40, 54321).

rounds(0, _) -> ok;
rounds(N, Seed0) ->
    {A, Seed1} = number(Seed0),
    {B, Seed2} = number(Seed1),
    {Shift, Seed3} = random(Seed2, 200),
    erlang:display({A, B, Shift - 100}),
    erlang:display([outcome(fun() -> erlang:Operator(A, B) end) || Operator <- two()]),
    erlang:display([outcome(fun() -> erlang:Operator(A) end) || Operator <- one()]),
    erlang:display(instructions(A, B, Shift - 100)),
    erlang:display({A < B, A == B, A =:= B, A >= B, max(A, B), min(A, B)}),
    erlang:display(text(A)),
    rounds(N - 1, Seed3).

two() -> ['+', '-', '*', '/', 'div', 'rem', 'band', 'bor', 'bxor'].

one() -> ['+', '-', 'bnot', abs, trunc, round, ceil, floor, float].

instructions(A, B, Shift) ->
    [outcome(F) || F <- [fun() -> A + B end, fun() -> A - B end, fun() -> A * B end, fun() -> A div B end,
                         fun() -> A rem B end, fun() -> A band B end, fun() -> A bor B end, fun() -> A bxor B end,
                         fun() -> A bsl Shift end, fun() -> A bsr Shift end, fun() -> -A end, fun() -> bnot A end]].

outcome(F) ->
    try F() catch error:Reason -> Reason end.

text(A) when is_integer(A) ->
    Text = integer_to_list(A, 7),
    {Text, list_to_integer(Text, 7) =:= A, binary_to_integer(integer_to_binary(A)) =:= A, erlang:phash2(A)};
text(A) ->
    Text = float_to_list(A, [short]),
    {Text, list_to_float(Text) =:= A, float_to_list(A), float_to_binary(A, [{decimals, 4}, compact]), erlang:phash2(A)}.

number(Seed0) ->
    {Kind, Seed1} = random(Seed0, 8),
    case Kind of
        0 -> {A, Seed2} = random(Seed1, 100), {A - 50, Seed2};
        1 -> {A, Seed2} = random(Seed1, 1 bsl 30), {A * (1 bsl 29) - (1 bsl 58), Seed2};
        2 -> {A, Seed2} = random(Seed1, 5), {(1 bsl 59) - 2 + A, Seed2};
        3 -> {A, Seed2} = random(Seed1, 5), {-(1 bsl 59) - 2 + A, Seed2};
        4 -> big(Seed1, 1, 20);
        5 -> {A, Seed2} = big(Seed1, 1, 8), {-A, Seed2};
        6 -> {A, Seed2} = random(Seed1, 1000000), {(A - 500000) / 64, Seed2};
        7 -> {A, Seed2} = random(Seed1, 5), {B, Seed3} = random(Seed2, 3), {(1 bsl (53 + A * 11)) + B - 1, Seed3}
    end.

big(Seed0, A, Most) ->
    {N, Seed1} = random(Seed0, Most),
    longer(Seed1, A, N + 1).

longer(Seed, A, 0) -> {A, Seed};
longer(Seed0, A, N) ->
    {X, Seed1} = random(Seed0, 1 bsl 30),
    longer(Seed1, A * (1 bsl 31) + X * 3, N - 1).

%% Knuth's MMIX generator; its upper bits are the good ones.
random(Seed, N) ->
    {(Seed bsr 33) rem N, (Seed * 6364136223846793005 + 1442695040888963407) band 16#ffffffffffffffff}.
