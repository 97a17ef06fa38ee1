%% Construction of binaries and bitstrings: all types, sizes, units, signs and byte orders.
-module(bits_construct).
-export([main/0]).
-include("show.hrl").

main() ->
    integers(),
    floats(),
    parts(),
    strings(),
    errors().

integers() ->
    ?SHOW([<<X:8>> || X <- id([0, 1, 255, 256, -1, -128, 1 bsl 70])]),
    ?SHOW([<<X:16/big>> || X <- id([1, 258, -2, 65535, 1 bsl 20])]),
    ?SHOW([<<X:16/little>> || X <- id([1, 258, -2, 65535, 1 bsl 20])]),
    ?SHOW([<<X:16/native>> || X <- id([258])]),
    ?SHOW([<<X:16/signed>> || X <- id([-1, 1])]),
    ?SHOW([<<X:32/little>> || X <- id([16#01020304, -2])]),
    ?SHOW([<<X:64>> || X <- id([16#0102030405060708, -2, 1 bsl 63])]),
    ?SHOW([<<X:64/little>> || X <- id([16#0102030405060708, -2, 1 bsl 63])]),
    ?SHOW([<<X:128>> || X <- id([1, -1, 1 bsl 100, -(1 bsl 100), 1 bsl 130])]),
    ?SHOW([<<X:128/little>> || X <- id([1, -1, 1 bsl 100, -(1 bsl 100)])]),
    ?SHOW([<<X:24/little>> || X <- id([16#010203, -3])]),
    ?SHOW([<<X:4>> || X <- id([5, 16, -1])]),
    ?SHOW([<<X:12/little>> || X <- id([16#ABC, 1, -1])]),
    ?SHOW([<<X:12/big>> || X <- id([16#ABC, 1, -1])]),
    ?SHOW([<<X:67>> || X <- id([1, -1, 1 bsl 66])]),
    ?SHOW([<<X:67/little>> || X <- id([1, -1, 1 bsl 66])]),
    ?SHOW(<<(id(1)):1, (id(2)):3, (id(3)):4>>),
    ?SHOW(<<(id(1)):1, (id(16#1234)):16/little, (id(3)):7>>),
    ?SHOW(<<(id(5)):3, (id(16#123456789ABCDEF0)):64/little, (id(1)):5>>),
    ?SHOW([<<(id(-1)):N>> || N <- lists:seq(0, 20)]),
    ?SHOW([<<(id(16#123456)):N/little>> || N <- lists:seq(0, 26)]),
    ?SHOW(<<(id(3)):2/unit:8>>),
    ?SHOW(<<(id(3)):(id(2))/unit:8>>),
    ?SHOW(<<(id(3)):(id(3))/unit:5>>),
    ?SHOW(<<(id(0)):0, (id(7))>>),
    ?SHOW(<<1, 2, (id(3)), 4, 5>>),
    ?SHOW(<<(id($a)), "bc", (id(100))/integer>>),
    ?SHOW(<<0:(id(1000))>> =:= binary:copy(<<0>>, 125)).

floats() ->
    ?SHOW([<<X/float>> || X <- id([0.0, 1.0, -2.5, 1.0e300, 3])]),
    ?SHOW([<<X:32/float>> || X <- id([0.0, 1.0, -2.5, 3.14, 3])]),
    ?SHOW([<<X:16/float>> || X <- id([0.0, 1.0, -2.5, 65504.0, 6.0e-8, 3])]),
    ?SHOW([<<X:64/float-little>> || X <- id([1.0, -2.5])]),
    ?SHOW([<<X:32/float-little>> || X <- id([1.0, -2.5])]),
    ?SHOW(<<1:1, (id(1.5))/float, 0:7>>),
    ?SHOW(<<1:3, (id(1.5)):32/float-little>>),
    ?SHOW(<<(id(1 bsl 70))/float>>).

parts() ->
    B = id(<<1, 2, 3, 4, 5>>),
    Bits = id(<<1, 2, 3:3>>),
    ?SHOW(<<B/binary>>),
    ?SHOW(<<B:3/binary>>),
    ?SHOW(<<B:(id(2))/bytes, B/binary>>),
    ?SHOW(<<Bits/bitstring>>),
    ?SHOW(<<Bits/bits, B/binary>>),
    ?SHOW(<<1:1, B/binary>>),
    ?SHOW(<<1:1, B/binary, 0:7>>),
    ?SHOW(<<Bits:13/bitstring, 0:3>>),
    ?SHOW(<<1:5, Bits:17/bitstring>>),
    ?SHOW(<<B:1/binary-unit:16>>),
    ?SHOW(<<B:2/binary-unit:3>>),
    ?SHOW(<<(id(<<>>))/binary, 1>>),
    ?SHOW(<<(list_to_binary("abc"))/binary, (integer_to_binary(42))/binary>>),
    ?SHOW(<< <<X>> || X <- [1, 2, 3] >>),
    ?SHOW({bit_size(Bits), byte_size(Bits), is_binary(Bits), is_bitstring(Bits)}),
    ?SHOW(bitstring_to_list(Bits)),
    ?SHOW(list_to_bitstring(id([1, <<2, 3:3>>]))),
    ?SHOW(list_to_bitstring(id([<<1:1>>, 255, [<<3:2>> | <<1:5>>]]))).

strings() ->
    ?SHOW(<<"abc">>),
    ?SHOW(<<"abc":16>>),
    ?SHOW(<<"abc":16/little>>),
    ?SHOW(<<"abc"/utf16>>),
    ?SHOW(<<"abc", 0>>),
    ?SHOW(<<"a":4, "b":4>>).

errors() ->
    ?TRY(<<(id(a))>>),
    ?TRY(<<(id(1.0))>>),
    ?TRY(<<(id("s"))>>),
    ?TRY(<<(id(1)):(id(a))>>),
    ?TRY(<<(id(1)):(id(-8))>>),
    ?TRY(<<(id(<<1:1>>))/binary>>),
    ?TRY(<<(id(<<1, 2>>)):3/binary>>),
    ?TRY(<<(id(<<1, 2>>)):(id(-1))/binary>>),
    ?TRY(<<(id(a))/binary>>),
    ?TRY(<<(id([1]))/bitstring>>),
    ?TRY(<<(id(a))/float>>),
    ?TRY(<<(id(1.0)):(id(20))/float>>),
    ?TRY(<<(id(1.0e300)):32/float>>),
    ?TRY(<<(id(70000.0)):16/float>>),
    ?TRY(<<(id(1 bsl 2000))/float>>),
    ?TRY(<<(id(16#D800))/utf8>>),
    ?TRY(<<(id(16#110000))/utf16>>),
    ?TRY(<<(id(-1))/utf32>>),
    ?TRY(list_to_bitstring(id([256]))),
    ?TRY(list_to_binary(id([<<1:1>>]))).
