%% -*- coding: utf-8 -*-
%% UTF-8, UTF-16 and UTF-32 segments, and the built-ins of module unicode.
-module(utf).
-export([main/0]).
-include("show.hrl").

main() ->
    Points = id([0, 65, 127, 128, 233, 2047, 2048, 8364, 65533, 65535, 65536, 128512, 1114111]),
    ?SHOW([<<P/utf8>> || P <- Points]),
    ?SHOW([<<P/utf16>> || P <- Points]),
    ?SHOW([<<P/utf16-little>> || P <- Points]),
    ?SHOW([<<P/utf32>> || P <- Points]),
    ?SHOW([<<P/utf32-little>> || P <- Points]),
    ?SHOW([begin <<X/utf8>> = <<P/utf8>>, X =:= P end || P <- Points]),
    ?SHOW([begin <<X/utf16>> = <<P/utf16>>, X =:= P end || P <- Points]),
    ?SHOW([begin <<X/utf16-little>> = <<P/utf16-little>>, X =:= P end || P <- Points]),
    ?SHOW([begin <<X/utf32>> = <<P/utf32>>, X =:= P end || P <- Points]),
    ?SHOW([begin <<_:3, X/utf8, _/bits>> = <<5:3, P/utf8>>, X =:= P end || P <- Points]),
    ?SHOW([try <<P/utf8>> catch error:R -> R end || P <- id([16#D800, 16#DFFF, 1114112, -1, a, 1.0])]),
    ?SHOW([try <<P/utf16>> catch error:R -> R end || P <- id([16#D800, 1114112])]),
    ?SHOW([try <<P/utf32>> catch error:R -> R end || P <- id([16#D800, 1114112])]),
    ?SHOW([decode(B) || B <- id([<<>>, <<"A">>, <<195, 169>>, <<195>>, <<128>>, <<255>>, <<192, 128>>, <<224, 128, 128>>, <<237, 160, 128>>,
                                 <<244, 144, 128, 128>>, <<240, 159, 152, 128>>, <<240, 159, 152>>, <<226, 130, 172, 33>>, <<248, 136, 128, 128, 128>>])]),
    ?SHOW([decode16(B) || B <- id([<<0, 65>>, <<216, 61, 222, 0>>, <<216, 61>>, <<216, 61, 0, 65>>, <<220, 0, 0, 65>>, <<0>>])]),
    ?SHOW([decode32(B) || B <- id([<<0, 0, 0, 65>>, <<0, 1, 246, 0>>, <<0, 0, 216, 0>>, <<0, 17, 0, 0>>, <<1, 2, 3>>])]),
    ?SHOW(<<"日本語 és"/utf8>>),
    ?SHOW([C || <<C/utf8>> <= id(<<"日本é"/utf8>>)]),
    ?SHOW(<< <<C/utf16>> || <<C/utf8>> <= id(<<"é€😀"/utf8>>) >>),
    ?SHOW(length_of(id(<<"日本語"/utf8>>), 0)),
    ?SHOW(reverse(id(<<"añb€"/utf8>>), <<>>)),
    ?SHOW(skip16(id(<<"日x"/utf16>>))),
    ?SHOW(skip16(id(<<216, 61>>))),
    ?SHOW(skip32(id(<<"日x"/utf32>>))),
    ?SHOW(skip32(id(<<0, 0, 216, 0>>))),
    ?SHOW(literal(id(<<"é!"/utf8>>))),
    ?SHOW(unicode:characters_to_binary(id([26085, "abc", <<"é"/utf8>>, [8364 | <<"x">>]]))),
    ?SHOW(unicode:characters_to_list(id(<<"日本é"/utf8>>))),
    ?SHOW(unicode:characters_to_list(id([<<"a">>, 233, [<<"日"/utf8>>]]))),
    ?SHOW(unicode:characters_to_binary(id(<<233, 65>>), latin1, utf8)),
    ?SHOW(unicode:characters_to_binary(id("é"), unicode, latin1)),
    ?SHOW(unicode:characters_to_binary(id("日é"), unicode, latin1)),
    ?SHOW(unicode:characters_to_binary(id("é€"), unicode, utf16)),
    ?SHOW(unicode:characters_to_binary(id("é€"), unicode, {utf16, little})),
    ?SHOW(unicode:characters_to_list(id(<<0, 233, 32, 172>>), utf16)),
    ?SHOW(unicode:characters_to_list(id(<<"ab", 195>>))),
    ?SHOW(unicode:characters_to_list(id(<<"ab", 255, "cd">>))),
    ?SHOW(unicode:characters_to_binary(id([<<"ab">>, 16#D800, "x"]))),
    ?SHOW(unicode:characters_to_binary(id([<<195>>, <<169>>]))),
    ?TRY(unicode:characters_to_binary(id(an_atom))),
    [?SHOW({unicode:characters_to_binary(id(Data)), unicode:characters_to_list(Data)})
     || First <- [<<226>>, <<"a", 226>>],
        Data <- [[First, <<255>>, <<>>, "b"], [First, <<255>>, <<>>, [], "b", <<>>], [First, [<<255>>, <<>>], <<>>], [First, [<<255>>, <<>>], "b"],
                 [First, [<<>>, <<255>>, []], [<<>>, "b"]], [[First, [<<255>>, <<>>, [[]]], <<>>], <<>> | <<>>], [First, <<>>, []], [First | <<226>>]]],
    ?SHOW(unicode:bin_is_7bit(id(<<"plain">>))),
    ?SHOW(unicode:bin_is_7bit(id(<<"é"/utf8>>))).

decode(<<C/utf8, Rest/binary>>) -> {C, Rest};
decode(Other) -> {bad, Other}.

decode16(<<C/utf16, Rest/binary>>) -> {C, Rest};
decode16(Other) -> {bad, Other}.

decode32(<<C/utf32, Rest/binary>>) -> {C, Rest};
decode32(Other) -> {bad, Other}.

length_of(<<_/utf8, Rest/binary>>, N) -> length_of(Rest, N + 1);
length_of(<<>>, N) -> N.

reverse(<<C/utf8, Rest/binary>>, Acc) -> reverse(Rest, <<C/utf8, Acc/binary>>);
reverse(<<>>, Acc) -> Acc.

skip16(<<_/utf16, Rest/binary>>) -> Rest;
skip16(_) -> bad.

skip32(<<_/utf32, Rest/binary>>) -> Rest;
skip32(_) -> bad.

literal(<<"é"/utf8, Rest/binary>>) -> {accented, Rest};
literal(_) -> plain.
