%% A stack machine and a compiler for arithmetic: dispatch on tuples and atoms, maps as memory.
%% gcstress: small
-module(interpreter).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(20000).

main([small]) -> run(50).

run(N) ->
    ?SHOW(calculate(id("1 + 2 * 3"))),
    ?SHOW(calculate(id("(1 + 2) * 3 - -4"))),
    ?SHOW(calculate(id("2 * (3 + 4) * (5 - 1) / 8"))),
    ?SHOW(compile(parse(scan(id("1 + 2 * x"))))),
    ?SHOW([try calculate(E) catch throw:R -> R; error:R -> {error, R} end || E <- id(["1 +", "(1", "1 / 0", "a b", "$", "x + 1"])]),
    ?SHOW(sum_program(N)),
    ?SHOW(primes_program(N div 50)).

calculate(Text) -> execute(list_to_tuple(compile(parse(scan(Text))) ++ [halt]), 1, [], #{}).

scan([]) -> [];
scan([$\s | Rest]) -> scan(Rest);
scan([C | _] = Text) when C >= $0, C =< $9 ->
    {Digits, Rest} = lists:splitwith(fun(D) -> D >= $0 andalso D =< $9 end, Text),
    [{number, list_to_integer(Digits)} | scan(Rest)];
scan([C | Rest]) when C >= $a, C =< $z -> [{variable, C} | scan(Rest)];
scan([C | Rest]) ->
    case lists:member(C, "+-*/()") of
        true -> [C | scan(Rest)];
        false -> throw({bad_character, C})
    end.

parse(Tokens) ->
    case sum(Tokens) of
        {Tree, []} -> Tree;
        {_, Rest} -> throw({unexpected, Rest})
    end.

sum(Tokens) -> {Left, Rest} = product(Tokens), sum(Left, Rest).

sum(Left, [Op | Rest]) when Op =:= $+; Op =:= $- ->
    {Right, More} = product(Rest),
    sum({Op, Left, Right}, More);
sum(Left, Rest) -> {Left, Rest}.

product(Tokens) -> {Left, Rest} = factor(Tokens), product(Left, Rest).

product(Left, [Op | Rest]) when Op =:= $*; Op =:= $/ ->
    {Right, More} = factor(Rest),
    product({Op, Left, Right}, More);
product(Left, Rest) -> {Left, Rest}.

factor([{number, N} | Rest]) -> {N, Rest};
factor([{variable, V} | Rest]) -> {{variable, V}, Rest};
factor([$- | Rest]) -> {Tree, More} = factor(Rest), {{$-, 0, Tree}, More};
factor([$( | Rest]) ->
    case sum(Rest) of
        {Tree, [$) | More]} -> {Tree, More};
        _ -> throw(parenthesis)
    end;
factor(Other) -> throw({expected_value, Other}).

compile(N) when is_integer(N) -> [{push, N}];
compile({variable, V}) -> [{load, V}];
compile({Op, Left, Right}) -> compile(Left) ++ compile(Right) ++ [maps:get(Op, #{$+ => add, $- => sub, $* => mul, $/ => divide})].

execute(Program, Pc, Stack, Memory) ->
    case {element(Pc, Program), Stack} of
        {{push, N}, _} -> execute(Program, Pc + 1, [N | Stack], Memory);
        {{load, V}, _} -> execute(Program, Pc + 1, [map_get(V, Memory) | Stack], Memory);
        {{store, V}, [X | Rest]} -> execute(Program, Pc + 1, Rest, Memory#{V => X});
        {add, [B, A | Rest]} -> execute(Program, Pc + 1, [A + B | Rest], Memory);
        {sub, [B, A | Rest]} -> execute(Program, Pc + 1, [A - B | Rest], Memory);
        {mul, [B, A | Rest]} -> execute(Program, Pc + 1, [A * B | Rest], Memory);
        {divide, [B, A | Rest]} -> execute(Program, Pc + 1, [A div B | Rest], Memory);
        {remainder, [B, A | Rest]} -> execute(Program, Pc + 1, [A rem B | Rest], Memory);
        {{jump, To}, _} -> execute(Program, To, Stack, Memory);
        {{jump_zero, To}, [0 | Rest]} -> execute(Program, To, Rest, Memory);
        {{jump_zero, _}, [_ | Rest]} -> execute(Program, Pc + 1, Rest, Memory);
        {{jump_less, To}, [B, A | Rest]} when A < B -> execute(Program, To, Rest, Memory);
        {{jump_less, _}, [_, _ | Rest]} -> execute(Program, Pc + 1, Rest, Memory);
        {halt, [Result | _]} -> Result;
        {halt, []} -> Memory
    end.

%% sum = 0; while n { sum = sum + n; n = n - 1 }
sum_program(N) ->
    Program = {{push, N}, {store, n}, {push, 0}, {store, sum},
               {load, n}, {jump_zero, 16},
               {load, sum}, {load, n}, add, {store, sum},
               {load, n}, {push, 1}, sub, {store, n}, {jump, 5},
               {load, sum}, halt},
    execute(Program, 1, [], #{}).

%% Counts the primes below a limit by trial division.
primes_program(Limit) ->
    Program = {{push, 0}, {store, count}, {push, 2}, {store, n},
               {load, n}, {push, Limit}, {jump_less, 10}, {load, count}, halt,
               {push, 2}, {store, d},
               {load, n}, {load, d}, {load, d}, mul, {jump_less, 25},
               {load, n}, {load, d}, remainder, {jump_zero, 29},
               {load, d}, {push, 1}, add, {jump, 34},
               {load, count}, {push, 1}, add, {store, count},
               {load, n}, {push, 1}, add, {store, n}, {jump, 5},
               {store, d}, {jump, 12}},
    execute(Program, 1, [], #{}).
