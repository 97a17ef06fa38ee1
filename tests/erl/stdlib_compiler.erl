%% OTP's own compiler, without files: source text to assembly, pass after pass.
%%
%% The largest program of all: a hundred modules that allocate without end. The lint
%% pass is left out (it needs ets), and so is the last step (it needs zlib).
-module(stdlib_compiler).
-export([main/0]).

main() ->
    [compile(Text) || Text <- [calls(), matching(), binaries(), errors(), lists_and_maps()]],
    ok.

compile(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    Forms = erl_expand_records:module(erl_internal:add_predefined_functions(forms(Tokens, [])), []),
    {ok, Core, []} = v3_core:module(Forms, []),
    {ok, Module, Assembly} = compile:noenv_forms(Core, [from_core, to_asm, binary]),
    {Module, Exports, _, Functions, Labels} = Assembly,
    erlang:display({Module, Exports, Labels}),
    [erlang:display({Name, Arity, length(Code), erlang:phash2(Code)}) || {function, Name, Arity, _, Code} <- Functions],
    {function, _, _, _, First} = hd(Functions),
    [erlang:display(Instruction) || Instruction <- First],
    ok.

forms([], []) -> [];
forms([{dot, _} = Dot | Rest], Form) ->
    {ok, Parsed} = erl_parse:parse_form(lists:reverse([Dot | Form])),
    [Parsed | forms(Rest, [])];
forms([Token | Rest], Form) -> forms(Rest, [Token | Form]).

calls() ->
    "-module(calls). -export([fib/1, ack/2, loop/2]).
     fib(N) when N < 2 -> N; fib(N) -> fib(N - 1) + fib(N - 2).
     ack(0, N) -> N + 1; ack(M, 0) -> ack(M - 1, 1); ack(M, N) -> ack(M - 1, ack(M, N - 1)).
     loop(0, Acc) -> Acc; loop(N, Acc) -> loop(N - 1, [N * 2.5 | Acc]).".

matching() ->
    "-module(matching). -export([f/1, g/2]). -record(point, {x = 0, y}).
     f({a, X}) -> X; f({b, X, Y}) -> {Y, X}; f([X | _]) when is_integer(X), X > 3 -> list; f(#point{x = X, y = none}) -> X + 1;
     f(\"text\") -> text; f(1.5) -> float; f(12345678901234567890) -> big; f(_) -> other.
     g(A, #point{} = P) -> P#point{x = A, y = case A of 1 -> one; 2 -> two; N when N > 10; N < -10 -> far; _ -> near end}.".

binaries() ->
    "-module(binaries). -export([parse/1, build/2, each/1]).
     parse(<<Type:8, Size:16/little, Data:Size/binary, Rest/binary>>) -> [{Type, Data} | parse(Rest)]; parse(<<>>) -> [];
     parse(<<X/float, _/bits>>) -> X; parse(<<C/utf8, Rest/bits>>) -> {C, Rest}.
     build(Type, Data) -> <<Type, (byte_size(Data)):16/little, Data/binary, 1:1, 0:7>>.
     each(B) -> << <<(X + 1):7>> || <<X:3, _:5>> <= B, X > 2 >>.".

errors() ->
    "-module(errors). -export([f/1, g/1]).
     f(X) -> try g(X) of ok -> fine; {more, Y} -> f(Y) catch throw:T -> {thrown, T}; error:R:S -> {R, S}; exit:_ -> gone after erlang:display(done) end.
     g(X) -> Y = (catch list_to_integer(X)), receive {Y, Z} -> Z; stop when X =:= 1 -> exit(stopped) after 100 -> error({timeout, X}, [X]) end.".

lists_and_maps() ->
    "-module(lists_and_maps). -export([f/2, g/1, h/3]).
     f(L, M) -> F = fun Self([]) -> M; Self([H | T]) -> [fun(X) -> {X, H, M} end | Self(T)] end, [F(X) || X <- L, Y <- [1, 2, 3], X =/= Y].
     g(#{a := A, {k, 1} := B} = M) -> M#{a := B, b => A, \"new\" => [A | B]}; g(M) when map_size(M) > 3 -> maps:to_list(M).
     h(A, B, C) -> if A > B, B > C -> {A + B * C, -A, A div B, A rem C, A bsl 2}; A == B orelse B =:= C -> not (A and B); true -> h(C, B, A) end.".
