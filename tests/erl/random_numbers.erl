%% Random numbers through arithmetic and conversions, random bytes through what reads numbers and text from them, and segments
%% of random sizes, units, kinds and orders of bytes, built and matched at any bit.
%%
%% `-s random_numbers main SEED BLOCKS` makes a long run; `… SEED BLOCKS TOPIC BLOCK` prints what makes one line.
%%
%% gcstress: small
-module(random_numbers).
-export([main/0, main/1]).
-compile(nowarn_unused_function).
-include("random.hrl").

first_seed() -> 20261102.

topics() ->
    [{integers, fun integers/0}, {mixed, fun mixed/0}, {integer_text, fun integer_text/0},
     {float_text, fun float_text/0}, {data, fun data/0}, {built, fun built/0}, {matched, fun matched/0}].

integers() ->
    many(200, fun() ->
                      [A, B] = [integer(), integer()],
                      Shift = below(300) - 150,
                      [A, B, A + B, A - B, A * B, A band B, A bor B, A bxor B, bnot A, A bsl Shift, A bsr Shift, -A, abs(A), A < B, A == B,
                       outcome(fun() -> A div B end), outcome(fun() -> A rem B end), outcome(fun() -> A / B end),
                       outcome(fun() -> float(A) end), (A * B) rem (abs(B) + 7), (A * B) div (abs(A) + 1), A * A * A - B * B,
                       outcome(fun() -> math:fmod(A, B) end), max(A, B), [A | B] < [B | A]]
              end).

mixed() ->
    many(200, fun() ->
                      F = floating(),
                      I = case below(3) of 0 -> integer(); 1 -> near(trunc(F)); 2 -> trunc(F) end,
                      [F, I, trunc(F), round(F), ceil(F), floor(F), F < I, F > I, F =< I, F == I, F =:= I, F /= I, I - trunc(F), F * -1, abs(F + 0.0),
                       outcome(fun() -> F + I end), outcome(fun() -> I - F end), outcome(fun() -> F * I end), outcome(fun() -> F / I end),
                       outcome(fun() -> I / F end), outcome(fun() -> F div I end), outcome(fun() -> F band 1 end),
                       outcome(fun() -> math:sqrt(F) end), math:floor(F), math:ceil(F), outcome(fun() -> F * F + F end)]
              end).

integer_text() ->
    many(200, fun() ->
                      I = integer(),
                      Base = 2 + below(35),
                      Text = integer_to_list(I, Base),
                      true = list_to_integer(Text, Base) =:= I,
                      Wrong = changed(Text),
                      [I, Text, integer_to_binary(I), integer_to_binary(I, Base), outcome(fun() -> list_to_integer(Wrong) end),
                       outcome(fun() -> list_to_integer(Wrong, Base) end), outcome(fun() -> binary_to_integer(list_to_binary(Wrong), Base) end),
                       string:to_integer(Wrong), outcome(fun() -> list_to_integer(Text, 2 + below(36)) end)]
              end).

changed(Text) ->
    At = below(length(Text) + 1),
    {Before, After} = lists:split(At, Text),
    Before ++ pick({"+", "-", " ", "0", "9", "z", ".", "e", "#", "", "1.5", "_", [0]}) ++ After.

float_text() ->
    many(200, fun() ->
                      F = floating(),
                      Text = pick([float_to_list(F), float_to_list(F, [short]), integer_to_list(integer()) ++ ".5e-3"]),
                      Wrong = changed(Text),
                      [F, Text, float_to_list(F, [{scientific, below(25)}]), outcome(fun() -> float_to_list(F, [{decimals, below(60)}]) end),
                       outcome(fun() -> float_to_binary(F, [{decimals, 1 + below(30)}, compact]) end),
                       outcome(fun() -> list_to_float(Text) end), outcome(fun() -> list_to_float(Wrong) end),
                       outcome(fun() -> binary_to_float(list_to_binary(Wrong)) end), string:to_float(Wrong),
                       lists:flatten(io_lib:format("~w ~p ~g ~e ~.3f", [F, F, F, F, F]))]
              end).

%% Lists of bytes, parts and lists, some of them wrong.
data() ->
    many(200, fun() ->
                      List = data(3),
                      Bits = bitstring(),
                      Size = byte_size(Bits),
                      [List, outcome(fun() -> iolist_to_binary(List) end), outcome(fun() -> iolist_size(List) end),
                       outcome(fun() -> list_to_bitstring(List) end), outcome(fun() -> list_to_binary(List) end),
                       outcome(fun() -> unicode:characters_to_binary(List) end), outcome(fun() -> unicode:characters_to_list(List) end),
                       outcome(fun() -> unicode:characters_to_binary(List, latin1, utf16) end),
                       outcome(fun() -> iolist_to_binary(erlang:iolist_to_iovec(List)) end),
                       bitstring_to_list(Bits), outcome(fun() -> binary_to_list(Bits) end),
                       outcome(fun() -> binary_to_list(Bits, 1 + below(Size + 1), below(Size + 2)) end),
                       outcome(fun() -> binary_part(Bits, below(Size + 2), below(20) - 10) end),
                       outcome(fun() -> split_binary(Bits, below(Size + 2)) end), outcome(fun() -> binary_to_atom(Bits) end),
                       outcome(fun() -> list_to_atom(List) end), outcome(fun() -> binary:decode_unsigned(Bits, little) end),
                       outcome(fun() -> binary:encode_unsigned(abs(integer()), little) end),
                       outcome(fun() -> binary:matches(Bits, [<<"a">>, <<255>>, <<"z", 0>>]) end),
                       outcome(fun() -> {erlang:crc32(Bits), erlang:adler32(Bits), erlang:md5(Bits)} end)]
              end).

data(0) -> pick([[], bitstring(), string()]);
data(Depth) ->
    List = [case below(6) of
                0 -> data(Depth - 1);
                1 -> bitstring();
                2 -> pick({228, 955, 16#10ffff, 16#d800, -1, a, 256, $x});
                _ -> byte()
            end || _ <- lists:seq(1, below(6))],
    case below(8) of
        0 -> List ++ bitstring();
        1 -> List ++ pick({a, 1, <<>>});
        _ -> List
    end.

%% A number where a segment has another is `badarg`, and so is one that does not fit a float.
built() ->
    many(200, fun() ->
                      Offset = below(18),
                      Size = pick({0, 1, 7, 8, 16, 31, 32, 33, 63, 64, 65, 128, below(200), below(3000), -1, a}),
                      V = pick([integer(), floating(), bitstring(), atom()]),
                      F = floating(),
                      [outcome(fun() -> <<5:Offset, V:Size, 3:3>> end), outcome(fun() -> <<5:Offset, V:Size/little, 3:3>> end),
                       outcome(fun() -> <<5:Offset, V:Size/native-signed-unit:3, 3:3>> end), outcome(fun() -> <<5:Offset, F:Size/float, V/bits>> end),
                       outcome(fun() -> <<5:Offset, V:64/float-little, F:32/float, F:16/float-little, F:64/float-native>> end),
                       outcome(fun() -> <<5:Offset, V:Size/binary, 3:3>> end), outcome(fun() -> <<5:Offset, V:Size/bits, V/bits>> end),
                       outcome(fun() -> <<5:Offset, V/utf8, V/utf16-little, V/utf32>> end), outcome(fun() -> <<5:Offset, V:13/binary-unit:5>> end),
                       outcome(fun() -> <<V/bits, (integer()):Size/unit:2, V/bits>> end), outcome(fun() -> <<5:Offset, V/binary>> end)]
              end).

matched() ->
    many(200, fun() ->
                      Whole = bitstring(),
                      Offset = below(bit_size(Whole) + 2),
                      Size = pick({0, 1, 7, 8, 9, 16, 31, 32, 33, 59, 60, 61, 63, 64, 65, 128, below(200), -1, a, 1 bsl 70}),
                      [Whole, Offset, Size | matched(Whole, Offset, Size)]
              end).

matched(Whole, Offset, Size) ->
    [case Whole of <<_:Offset, X:Size, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X:Size/signed, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X:Size/little, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X:Size/signed-little-unit:3, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X:Size/native-unit:8, _/bits>> -> X; _ -> no end,
     case Whole of <<_:Offset, X:Size/float, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X:64/float-little, Y:16/float, R/bits>> -> {X, Y, R}; _ -> no end,
     case Whole of <<_:Offset, X:32/float-native, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X:Size/binary, R/binary>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X:Size/bits, Y:Size/bits, R/bits>> -> {X, Y, R}; _ -> no end,
     case Whole of <<_:Offset, X:Size/binary-unit:5, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, R/binary>> -> R; _ -> no end,
     case Whole of <<_:Offset, R/binary-unit:3>> -> R; _ -> no end,
     case Whole of <<_:Offset, X/utf8, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X/utf16-little, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, X/utf32, R/bits>> -> {X, R}; _ -> no end,
     case Whole of <<_:Offset, 255:8, X:12/signed, Y:20/little, R/bits>> -> {X, Y, R}; _ -> no end,
     << <<X:7/signed>> || <<X:5/signed>> <= Whole >>, [X || <<X:11/little>> <= Whole]].
