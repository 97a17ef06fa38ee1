%% zlib: what was compressed comes back, in every format, level and strategy, and in pieces of any size.
%% needs: preloaded modules
%% gcstress: small
-module(zlib_formats).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run([0, 1, 100, 5000, 300000]).
main([small]) -> run([0, 1, 100, 5000, 300000]).

run(Sizes) ->
    %% OTP's machine has them loaded already.
    catch zlib:on_load(),
    Datas = [data(Size) || Size <- Sizes],
    ?SHOW([zlib:uncompress(zlib:compress(Data)) =:= Data || Data <- Datas]),
    ?SHOW([zlib:gunzip(zlib:gzip(Data)) =:= Data || Data <- Datas]),
    ?SHOW([zlib:unzip(zlib:zip(Data)) =:= Data || Data <- Datas]),
    Data = lists:last(Datas),
    ?SHOW([byte_size(zlib:compress(D)) < max(200, byte_size(D) div 3) || D <- Datas]),
    ?SHOW([there_and_back(Data, Level, Bits, 8, default)
           || Level <- [none, best_speed, default, best_compression, 2, 5], Bits <- [{15, 15}, {-15, -15}, {31, 31}, {31, 47}, {15, 47}]]),
    ?SHOW([there_and_back(Data, default, Bits, 8, default)
           || Bits <- [{8, 8 + 1}, {9, 9}, {12, 15}, {-9, -9}, {16 + 9, 16 + 9}, {15, 0 + 15}]]),
    ?SHOW([there_and_back(Data, default, {15, 15}, Memory, Strategy)
           || Memory <- [1, 4, 9], Strategy <- [default, filtered, huffman_only, rle]]),
    pieces(Data),
    ?SHOW([flushed(Data, Flush) || Flush <- [none, sync, full]]),
    parameters(Data),
    written_by_zlib(),
    nested_lists(Data).

%% Text with repetitions near and far.
data(Size) ->
    Words = {<<"alpha ">>, <<"beta ">>, <<"gamma, delta ">>, <<"epsilon\n">>, <<0, 255, 0>>, <<"zeta eta theta iota kappa ">>},
    binary:part(iolist_to_binary(words(Words, 7, Size, [])), 0, Size).

words(_, _, Left, Done) when Left =< 0 -> Done;
words(Words, Seed, Left, Done) ->
    Next = (Seed * 1103515245 + 12345) band 16#7fffffff,
    Word = element(Next div 65536 rem tuple_size(Words) + 1, Words),
    words(Words, Next, Left - byte_size(Word), [Word | Done]).

there_and_back(Data, Level, {Out, In}, Memory, Strategy) ->
    Z = zlib:open(),
    ok = zlib:deflateInit(Z, Level, deflated, Out, Memory, Strategy),
    Small = zlib:deflate(Z, Data, finish),
    ok = zlib:deflateEnd(Z),
    ok = zlib:inflateInit(Z, In),
    Large = iolist_to_binary(zlib:inflate(Z, Small)),
    ok = zlib:inflateEnd(Z),
    ok = zlib:close(Z),
    Large =:= Data.

pieces(Data) ->
    Small = zlib:compress(Data),
    ?SHOW([inflated_in_pieces(Small, Piece) =:= Data || Piece <- [1000, 8191, 8192, 8193, 100000]]),
    Few = binary:part(Data, 0, 2000),
    ?SHOW(inflated_in_pieces(zlib:compress(Few), 1) =:= Few),
    ?SHOW([zlib:uncompress(deflated_in_pieces(Data, Piece)) =:= Data || Piece <- [1000, 8193, 100000]]).

cut(Bytes, Size) when byte_size(Bytes) =< Size -> [Bytes];
cut(Bytes, Size) ->
    <<Piece:Size/binary, Rest/binary>> = Bytes,
    [Piece | cut(Rest, Size)].

inflated_in_pieces(Small, Size) ->
    Z = zlib:open(),
    zlib:inflateInit(Z),
    Large = [zlib:inflate(Z, Piece) || Piece <- cut(Small, Size)],
    ok = zlib:inflateEnd(Z),
    iolist_to_binary(Large).

deflated_in_pieces(Data, Size) ->
    Z = zlib:open(),
    zlib:deflateInit(Z),
    Small = [zlib:deflate(Z, Piece) || Piece <- cut(Data, Size)],
    iolist_to_binary([Small, zlib:deflate(Z, [], finish)]).

%% After a flush everything that went in can come out.
flushed(Data, Flush) ->
    Z = zlib:open(),
    zlib:deflateInit(Z),
    {Half, Rest} = split_binary(Data, byte_size(Data) div 2),
    First = zlib:deflate(Z, Half, Flush),
    Inflating = zlib:open(),
    zlib:inflateInit(Inflating),
    Seen = iolist_to_binary(zlib:inflate(Inflating, First)),
    Second = zlib:deflate(Z, Rest, finish),
    More = iolist_to_binary(zlib:inflate(Inflating, Second)),
    zlib:inflateEnd(Inflating),
    {Seen =:= Half orelse Flush =:= none, <<Seen/binary, More/binary>> =:= Data}.

parameters(Data) ->
    Z = zlib:open(),
    zlib:deflateInit(Z),
    {Half, Rest} = split_binary(Data, byte_size(Data) div 2),
    First = zlib:deflate(Z, Half),
    ?SHOW(zlib:deflateParams(Z, best_compression, huffman_only)),
    Second = zlib:deflate(Z, Rest),
    ?SHOW(zlib:deflateParams(Z, none, default)),
    Third = zlib:deflate(Z, Half, finish),
    ?SHOW(zlib:uncompress(iolist_to_binary([First, Second, Third])) =:= <<Data/binary, Half/binary>>),
    ?SHOW(zlib:deflateReset(Z)),
    ?SHOW(zlib:uncompress(iolist_to_binary(zlib:deflate(Z, Rest, finish))) =:= Rest).

%% What C zlib made: of fixed and dynamic Huffman codes, stored, and two gzip files one behind the other.
written_by_zlib() ->
    ?SHOW(zlib:uncompress(base64:decode(<<"eJxLTEpOSU1Lz8jMys7JzctPROUCALrWDDE=">>))),
    ?SHOW(zlib:unzip(base64:decode(<<"AQUA+v9hYmNhYg==">>))),
    ?SHOW(erlang:md5(zlib:uncompress(base64:decode(dynamic())))),
    Gzip = base64:decode(<<"H4sIAAAAAAAAA0vKzMtPAuHKktRiAJuxzx4NAAAA">>),
    ?SHOW(failure(fun() -> zlib:gunzip(Gzip) end)),
    Good = zlib:gzip(<<"one, ">>),
    ?SHOW(zlib:gunzip([Good, zlib:gzip(<<"two, ">>), zlib:gzip(<<"three">>)])),
    %% With a file name and a comment.
    <<Magic:3/binary, _, Rest:6/binary, Body/binary>> = Good,
    ?SHOW(zlib:gunzip(<<Magic/binary, 16#18, Rest/binary, "name", 0, "a comment", 0, Body/binary>>)).

dynamic() ->
    <<"eJx9V0mOBEUM/Eo9YA7eF/EaVoGQZsQmeD52zoVsTdDH7up02o6t8nn+/PnH57e/fvn+1+e73z/+fn9++vjnkfr6+9C3h1m+/pHT"
      "v33/4fnj4/l4/+YRl7dHTb9+1gxU8Mi3J4n+c1JZgoJEtfcpUIQ10VU9ff6ZDX4XEnCmSEzNaQ7cSeq6u1JNP6oF2tUkNCHSGaDp"
      "NVRLBTd2ptmNGyrkVeDGoURvTyTqKDnAmRkyNYvQFMuvyzfldNQO10VMoBJTWB7oXdNlzkDYELUFhzSCIKs7gofxwYcVxLpboHOD"
      "ZStHEbpb+t1GCW131Yh33IHKCRnPWIVf6MeNuhNJm72JOiKhmKK5DvIXLhKEWCnRaI2SWVu5AhFT+saMkvXqCBsipIoifKqq5BGh"
      "m5MuiAsaUrM7TUW01FJEQW1d1BgZesLYId3Ft/IMHt1tJPNqw7y3O0tC/VsJmpq17lyd7nE7J9qMS9dRGEHbdTeEiVH1RY1nI1xN"
      "MwiNQb54DS6E6NAb/GG+nAgvxJoBIPS4Cvr0oGvcyYb4nFLL+DRB5dITKUnm0ZqsQN0VMdKw4liVK2U01zHP20xDVkkrC62xWpFC"
      "N/WRcHkRdmNkAaP26xGdhkDazch51t8XNkyDDfiMMfI8Ju91RaYMREmmvi2W57POO17TiKzM0w4quivJz1hyq7wQ7nTkOo5daSHK"
      "snigMc/Bn4lm7A5mHmW4WB6pPFlqtBGmrUlTd0PavGlt3JIRdwe5ELw8LN2QyJY3fXk0Hxsvy0mhPjqMio4SQe/1Nd/9fwd8Jjjh"
      "2aF16kcQvGPUS0OT8k6nKQ6nkZZwihl9Jj2B9SU5MNTcwV+enZY33HuVQLw0fWJqUgnE3YQMiNdOP5jubpiWJ2dfDU2aiWXPBCJC"
      "DBNqaKMTg1pPHHpJzjJLQRow5NPVCRFOWFQMpoZ9JzihSKY2eka5kAROVDU5iSwavpHoSzKa+/CKsQwA0HqHywaz2NBgnWBfZe4V"
      "uP9P+itaw5n4lwjIQ0+D0TPiuN0MrBF7ZF44YNjNmdTWn5iC2LtvYFdD/wLAym9h">>.

failure(F) ->
    try F() of
        Value -> {value, is_binary(Value)}
    catch
        Class:Reason -> {Class, Reason}
    end.

nested_lists(Data) ->
    <<A:1000/binary, B:70/binary, C:1, D:7, Rest/binary>> = Data,
    Nested = [A, [[B | <<C:1, D:7>>], []] | Rest],
    ?SHOW(zlib:uncompress(zlib:compress(Nested)) =:= Data),
    Small = zlib:gzip(Data),
    ?SHOW(zlib:gunzip([[X] || <<X>> <= Small]) =:= Data),
    <<_:3, Shifted:100000/binary, _/bits>> = Data,
    ?SHOW(zlib:unzip(zlib:zip(Shifted)) =:= Shifted).
