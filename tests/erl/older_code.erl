%% The instructions that compilers of OTP 22 wrote: frames that are filled, funs made of the first registers, binaries built of a size and a
%% segment after the other. older_instructions has those that no option brings back.
-module(older_code).
-compile([r22]).
-export([main/0]).
-include("show.hrl").

main() ->
    fixed(),
    computed(),
    appended(),
    texts(),
    frames(),
    errors().

fixed() ->
    [A, B] = [id(16#1234), id(2.5)],
    ?SHOW(<<A:16, A:16/little, B/float, B:32/float-little>>),
    ?SHOW(<<A:12, 1:4, B/float, (id(-1)):9, 3:7>>),
    ?SHOW(<<A:3, (id(1)):2>>),
    ?SHOW(<<"constant", A:16, "more">>).

computed() ->
    [N, Bin, Bits] = [id(3), id(<<"abc">>), id(<<5:3>>)],
    ?SHOW(<<N:N/unit:8, Bin/binary>>),
    ?SHOW(<<Bin:N/binary, Bin/binary, N:16>>),
    ?SHOW(<<Bits/bits, N:N, Bin/bits, Bits:2/bits>>),
    ?SHOW(<<1.5:(id(64))/float, N:(N * 100)>>),
    ?SHOW(<<(id(<<1, 2, 3, 4>>)):2/binary-unit:16, 0:(id(0))>>).

appended() ->
    ?SHOW(grow(<<>>, 20)),
    ?SHOW(grow_bits(<<>>, 11)),
    ?SHOW(<< <<(X * X):16/little>> || X <- id(lists:seq(1, 9)) >>),
    ?SHOW(<< <<X:3>> || <<X:2>> <= id(<<16#1b1b:16>>) >>),
    ?SHOW(<< <<B/binary, B/binary>> || B <- id([<<"a">>, <<"bc">>, <<>>]) >>).

grow(Acc, 0) -> Acc;
grow(Acc, N) -> grow(<<Acc/binary, N, (N + 1):16>>, N - 1).

grow_bits(Acc, 0) -> Acc;
grow_bits(Acc, N) -> grow_bits(<<Acc/bits, N:5>>, N - 1).

texts() ->
    [A, B, C, D] = id([$a, 16#e5, 16#20ac, 16#1f600]),
    ?SHOW(<<A/utf8, B/utf8, C/utf8, D/utf8>>),
    ?SHOW(<<A/utf16, B/utf16-little, C/utf16, D/utf16>>),
    ?SHOW(<<A/utf32, D/utf32-little>>),
    ?SHOW(<< <<X/utf8>> || X <- id([A, B, C, D]) >>),
    ?SHOW(<<"text", D/utf8, (id(<<1, 2>>))/binary>>).

%% Frames with registers that nothing has been put in when others collect.
frames() ->
    ?SHOW(frame(id(3))),
    ?SHOW(lists:map(adder(id(10), id(1 bsl 70)), [1, 2, 3])),
    ?SHOW((adder(id(a), id(b)))({x})).

frame(N) ->
    L = lists:duplicate(id(N), N),
    case id(L) of
        [X | Rest] -> Y = id(X + 1), Z = try id(Rest) catch _:_ -> none end, {X, Y, Z, id(L)};
        [] -> nothing
    end.

adder(A, B) -> fun(X) when is_integer(X) -> A + B + X; (X) -> {A, B, X} end.

errors() ->
    ?TRY(<<(id(a)):8>>),
    ?TRY(<<1:(id(-1))>>),
    ?TRY(<<(id(<<1>>)):2/binary>>),
    ?TRY(<<(id(<<1:3>>))/binary>>),
    ?TRY(<<(id(16#d800))/utf8>>),
    ?TRY(<<(id(16#110000))/utf16>>),
    ?TRY(<<(id(x))/utf32>>),
    ?TRY(<<(id(a))/float>>),
    ?TRY(<<(id(none))/binary, 1>>).
