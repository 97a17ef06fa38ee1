%% Matching of binaries and bitstrings: all types, sizes bound on the way, failures, alternatives.
-module(bits_match).
-export([main/0]).
-include("show.hrl").

main() ->
    integers(),
    floats(),
    parts(),
    sizes(),
    clauses(),
    contexts(),
    huge().

integers() ->
    B = id(<<16#F1, 16#E2, 16#D3, 16#C4, 16#B5, 16#A6, 16#97, 16#88, 16#79, 16#6A>>),
    <<A1, A2, _/binary>> = B,
    ?SHOW({A1, A2}),
    <<B1:16, B2:16/little, B3:16/signed, B4:16/signed-little, _/binary>> = B,
    ?SHOW({B1, B2, B3, B4}),
    <<C1:32, C2:32/little, _:16>> = B,
    ?SHOW({C1, C2}),
    <<D1:32/signed, D2:32/signed-little, _/bits>> = B,
    ?SHOW({D1, D2}),
    <<E1:64, _/binary>> = B,
    <<E2:64/little, _/binary>> = B,
    <<E3:64/signed, _/binary>> = B,
    <<E4:64/signed-little, _/binary>> = B,
    ?SHOW({E1, E2, E3, E4}),
    <<F1:80>> = B,
    <<F2:80/little>> = B,
    <<F3:80/signed>> = B,
    <<F4:80/signed-little>> = B,
    ?SHOW({F1, F2, F3, F4}),
    <<G1:3, G2:7, G3:11, G4:59>> = B,
    ?SHOW({G1, G2, G3, G4}),
    <<H1:3/signed, H2:7/signed, H3:11/signed, H4:59/signed>> = B,
    ?SHOW({H1, H2, H3, H4}),
    <<I1:3/little, I2:12/little, I3:17/signed-little, I4:48/little>> = B,
    ?SHOW({I1, I2, I3, I4}),
    <<J1:1, J2:64, J3:15>> = B,
    ?SHOW({J1, J2, J3}),
    <<K1:60, K2:20>> = B,
    <<_:20, K3:60/signed>> = B,
    ?SHOW({K1, K2, K3}),
    ?SHOW([begin <<X:N, _/bits>> = B, X end || N <- lists:seq(0, 80)]),
    ?SHOW([begin <<X:N/signed-little, _/bits>> = B, X end || N <- lists:seq(0, 80)]),
    ?SHOW([begin <<_:S, X:13, _/bits>> = B, X end || S <- lists:seq(0, 67)]).

floats() ->
    ?SHOW([float(B, 64) || B <- id([<<0:64>>, <<63, 240, 0:48>>, <<255, 240, 0:48>>, <<127, 248, 0:48>>, <<64, 9, 33, 251, 84, 68, 45, 24>>])]),
    ?SHOW([float(B, 32) || B <- id([<<0:32>>, <<63, 128, 0, 0>>, <<127, 128, 0, 0>>, <<192, 32, 0, 0>>])]),
    ?SHOW([float(B, 16) || B <- id([<<0:16>>, <<60, 0>>, <<124, 0>>, <<193, 0>>, <<0, 1>>])]),
    <<_:3, X:64/float-little, _:5>> = id(<<0:3, 2.75:64/float-little, 0:5>>),
    ?SHOW(X).

float(B, Size) ->
    case B of
        <<F:Size/float>> -> F;
        _ -> no_float
    end.

parts() ->
    B = id(<<1, 2, 3, 4, 5, 6, 7, 8>>),
    <<P1:2/binary, P2:3/bytes, P3/binary>> = B,
    ?SHOW({P1, P2, P3}),
    <<_:3, Q1:2/binary, Q2:10/bits, Q3/bits>> = B,
    ?SHOW({Q1, Q2, Q3}),
    <<R1:2/binary-unit:12, R2/bitstring>> = B,
    ?SHOW({R1, R2}),
    ?SHOW(tail_units(B)),
    ?SHOW(tail_units(id(<<1, 2, 3>>))),
    ?SHOW(tail_units(id(<<1, 2, 3:3>>))),
    ?SHOW(tail_units(id(<<1, 2:4>>))),
    <<S:0/binary, _/binary>> = B,
    ?SHOW(S),
    ?TRY(begin <<T:9/binary, _/binary>> = B, T end),
    ?TRY(begin <<U:7/binary>> = B, U end),
    ?TRY(begin <<V:65>> = B, V end).

tail_units(<<_, Rest/binary-unit:32>>) -> {words, Rest};
tail_units(<<_, Rest/binary-unit:16>>) -> {halves, Rest};
tail_units(<<_, Rest/binary>>) -> {bytes, Rest};
tail_units(<<_, Rest/binary-unit:4>>) -> {nibbles, Rest};
tail_units(<<_, Rest/bits>>) -> {bits, Rest}.

sizes() ->
    ?SHOW(sized(id(<<3, "abcdef">>))),
    ?SHOW(sized(id(<<7, "abcdef">>))),
    ?SHOW(expression(id(<<2, 1, 2, 3, 4, 5>>))),
    ?SHOW(chained(id(<<4:4, 8:4, 16#ABC:12, 0:4>>))),
    ?SHOW(outer(id(3), id(<<1, 2, 3, 4, 5>>))),
    ?SHOW(outer(id(-1), id(<<1, 2, 3>>))),
    ?SHOW(outer(id(a), id(<<1, 2, 3>>))),
    ?SHOW(outer(id(1 bsl 80), id(<<1, 2, 3>>))),
    ?SHOW(map_size_key(id(#{n => 2}), id(<<9, 8, 7>>))).

sized(<<N, Data:N/binary, Rest/binary>>) -> {Data, Rest};
sized(<<N, Rest/binary>>) -> {missing, N - byte_size(Rest)}.

expression(<<N, A:(N * 8), B:(N + 1)/binary>>) -> {A, B};
expression(_) -> no.

chained(<<A:4, B:4, C:(A + B), _/bits>>) -> {A, B, C}.

outer(N, Bin) ->
    case Bin of
        <<X:N/binary, Y/binary>> -> {X, Y};
        _ -> no
    end.

map_size_key(#{n := N}, Bin) ->
    <<X:N/binary, _/binary>> = Bin,
    X.

clauses() ->
    ?SHOW([clause(B) || B <- id([<<>>, <<0>>, <<1>>, <<1, 2>>, <<"GET /">>, <<"GE">>, <<"POST">>, <<255, 0, 7>>, <<255, 1, 7>>,
                                 <<1:1>>, <<0:4>>, <<5:3>>, not_binary])]),
    ?SHOW([literal(B) || B <- id([<<"abc">>, <<"abd">>, <<"ab">>, <<16#0102:16, 3>>, <<2, 1, 3>>])]),
    ?SHOW([same(B) || B <- id([<<1, 1>>, <<1, 2>>, <<1, 2, 2>>])]),
    Wanted = id(7),
    ?SHOW([case B of <<Wanted, R/binary>> -> {wanted, R}; <<_, R/binary>> -> {other, R} end || B <- id([<<7, 1>>, <<8, 1>>])]).

clause(<<>>) -> empty;
clause(<<0>>) -> zero;
clause(<<"GET ", Path/binary>>) -> {get, Path};
clause(<<"POST">>) -> post;
clause(<<255, 0, X>>) -> {escape, X};
clause(<<255, N, _:N/binary>>) -> {skip, N};
clause(<<X>>) -> {byte, X};
clause(<<X, Y>>) when X < Y -> {ascending, X, Y};
clause(<<_, _/binary>>) -> many;
clause(<<1:1>>) -> one_bit;
clause(<<X:3>>) -> {three_bits, X};
clause(B) when is_bitstring(B) -> {bits, bit_size(B)};
clause(_) -> no_binary.

literal(<<"abc">>) -> abc;
literal(<<"ab", C>>) -> {ab, C};
literal(<<258:16, _>>) -> number;
literal(<<258:16/little, _>>) -> little_number;
literal(_) -> none.

same(<<X, X>>) -> twice;
same(<<_, X, X>>) -> then_twice;
same(_) -> different.

%% A match context that is reused by the next call, and one that must become a binary again.
contexts() ->
    ?SHOW(count(id(binary:copy(<<1, 0, 3>>, 500)), 0)),
    ?SHOW(numbers(id(<<"10,200,,3000">>), 0)),
    ?SHOW(keep(id(<<1, 2, 3, 4>>), [])),
    ?SHOW(bits(id(<<2#10110100, 1:3>>), [])),
    ?SHOW(two(id(<<1, 2, 3>>), id(<<1, 2, 4>>))),
    ?SHOW(escape(id(<<"a<b>&c">>))).

count(<<0, Rest/binary>>, N) -> count(Rest, N + 1);
count(<<_, Rest/binary>>, N) -> count(Rest, N);
count(<<>>, N) -> N.

numbers(<<$,, Rest/binary>>, N) -> [N | numbers(Rest, 0)];
numbers(<<D, Rest/binary>>, N) -> numbers(Rest, N * 10 + D - $0);
numbers(<<>>, N) -> [N].

keep(<<X, Rest/binary>> = All, Acc) -> keep(Rest, [{X, All, Rest} | Acc]);
keep(<<>>, Acc) -> Acc.

bits(<<B:1, Rest/bits>>, Acc) -> bits(Rest, [B | Acc]);
bits(<<>>, Acc) -> lists:reverse(Acc).

two(<<X, A/binary>>, <<X, B/binary>>) -> [X | two(A, B)];
two(A, B) -> {A, B}.

escape(<<"<", Rest/binary>>) -> <<"&lt;", (escape(Rest))/binary>>;
escape(<<">", Rest/binary>>) -> <<"&gt;", (escape(Rest))/binary>>;
escape(<<"&", Rest/binary>>) -> <<"&amp;", (escape(Rest))/binary>>;
escape(<<C, Rest/binary>>) -> <<C, (escape(Rest))/binary>>;
escape(<<>>) -> <<>>.

%% Fields of more bits than an integer may have: what counts is the number in them.
huge() ->
    Max = id(64 * ((1 bsl 19) - 1)),
    ?SHOW([{More, hash(Max + More, <<Bits/bits, 0:(Max + More - bit_size(Bits))>>)}
           || More <- [0, 1, 128, 200], Bits <- [<<>>, <<-1:200>>, <<0:200, 1:1>>]]),
    ?SHOW([{More, hash(Max + More, <<0:(Max + More - bit_size(Bits)), Bits/bits>>)}
           || More <- [1, 128, 200], Bits <- [<<5>>, <<-1:200>>, <<1:1, 0:199>>]]),
    ?SHOW(tail(id(<<1, 2>>))).

hash(Size, Bits) ->
    [case Bits of <<N:Size>> -> erlang:phash2(N); _ -> none end,
     case Bits of <<N:Size/signed>> -> erlang:phash2(N); _ -> none end,
     case Bits of <<N:Size/little>> -> erlang:phash2(N); _ -> none end,
     case Bits of <<N:Size/signed-little>> -> erlang:phash2(N); _ -> none end].

%% More bits than a number of 64 bits can say.
tail(<<_, _:18446744073709551616>>) -> huge;
tail(<<_, _/binary>>) -> rest.
