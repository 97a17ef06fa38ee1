%% zlib: streams step by step: dictionaries, chunks, what follows the end of a stream, and every mistake.
%% needs: preloaded modules
-module(zlib_streams).
-export([main/0]).
-include("show.hrl").

main() ->
    catch zlib:on_load(),
    states(),
    bad_arguments(),
    controlling_process(),
    dictionaries(),
    raw_dictionaries(),
    safe_inflate(),
    inflate_chunk(),
    end_of_stream(),
    broken_data(),
    unfinished(),
    checksums(),
    stashes(),
    many_streams().

text() -> binary:copy(<<"Of arms and the man I sing, who first from the shores of Troy. ">>, 300).

new(Init) ->
    Z = zlib:open(),
    ok = Init(Z),
    Z.

inflating() -> new(fun zlib:inflateInit/1).
deflating() -> new(fun zlib:deflateInit/1).

states() ->
    Z = zlib:open(),
    ?SHOW(is_reference(Z)),
    ?TRY(zlib:deflate(Z, <<"a">>)),
    ?TRY(zlib:inflate(Z, <<"a">>)),
    ?TRY(zlib:deflate(Z, [])),
    ?TRY(zlib:deflateEnd(Z)),
    ?TRY(zlib:inflateEnd(Z)),
    ?TRY(zlib:deflateReset(Z)),
    ?TRY(zlib:inflateReset(Z)),
    ?TRY(zlib:inflateGetDictionary(Z)),
    ?TRY(zlib:crc32(Z)),
    ?SHOW(zlib:deflateInit(Z)),
    ?TRY(zlib:deflateInit(Z)),
    ?TRY(zlib:inflateInit(Z)),
    ?TRY(zlib:inflate(Z, <<"a">>)),
    ?TRY(zlib:inflateSetDictionary(Z, <<"a">>)),
    ?TRY(zlib:deflateEnd(Z)),
    ?SHOW(zlib:inflateInit(Z)),
    ?TRY(zlib:deflate(Z, <<"a">>)),
    ?TRY(zlib:deflateSetDictionary(Z, <<"a">>)),
    ?TRY(zlib:deflateParams(Z, 1, default)),
    ?SHOW(zlib:close(Z)),
    ?TRY(zlib:close(Z)),
    ?TRY(zlib:deflateInit(Z)),
    ?TRY(zlib:inflate(Z, <<"a">>)).

bad_arguments() ->
    Z = zlib:open(),
    ?SHOW([failure(fun() -> zlib:deflateInit(Z, Level) end) || Level <- id([-2, 10, foo, 1.0])]),
    ?SHOW([failure(fun() -> zlib:deflateInit(Z, 6, deflated, Bits, 8, default) end)
           || Bits <- id([7, 48, -7, -16, -8, 24, 32, 40, foo])]),
    ?SHOW([failure(fun() -> zlib:inflateInit(Z, Bits) end) || Bits <- id([7, 48, -7, -16, foo])]),
    ?SHOW(failure(fun() -> zlib:deflateInit(Z, 6, foo, 15, 8, default) end)),
    ?SHOW([failure(fun() -> zlib:deflateInit(Z, 6, deflated, 15, Memory, default) end) || Memory <- id([0, 10, foo])]),
    ?SHOW(failure(fun() -> zlib:deflateInit(Z, 6, deflated, 15, 8, foo) end)),
    ?SHOW(failure(fun() -> zlib:inflateInit(Z, 15, foo) end)),
    ?SHOW([failure(fun() -> zlib:close(Bad) end) || Bad <- id([make_ref(), self(), foo, atomics:new(1, [])])]),
    ?SHOW(zlib:deflateInit(Z)),
    ?SHOW([failure(fun() -> zlib:deflate(Z, Data) end) || Data <- id([foo, [256], [a], <<1:3>>, [<<1:3>>]])]),
    ?SHOW(failure(fun() -> zlib:deflate(Z, <<"a">>, foo) end)),
    ?SHOW([failure(fun() -> zlib:deflateSetDictionary(Z, Data) end) || Data <- id([foo, [256], <<1:3>>])]),
    ?SHOW(failure(fun() -> zlib:deflateParams(Z, 10, default) end)),
    ?SHOW(failure(fun() -> zlib:deflateParams(Z, 1, foo) end)),
    ?SHOW([failure(fun() -> zlib:setBufSize(Z, Size) end) || Size <- id([16, 1 bsl 24, foo])]),
    ?SHOW([failure(fun() -> zlib:set_controlling_process(Z, Pid) end) || Pid <- id([foo, make_ref()])]),
    ?SHOW([failure(fun() -> zlib:uncompress(Data) end) || Data <- id([foo, 1, [300]])]).

controlling_process() ->
    Self = self(),
    Z = deflating(),
    Ask = fun(F) ->
                  {_, Monitor} = spawn_monitor(fun() -> exit({answer, failure(F)}) end),
                  receive {'DOWN', Monitor, _, _, {answer, Answer}} -> Answer end
          end,
    ?SHOW([Ask(F) || F <- [fun() -> zlib:deflate(Z, <<"a">>) end, fun() -> zlib:close(Z) end, fun() -> zlib:deflateInit(Z) end,
                           fun() -> zlib:set_controlling_process(Z, self()) end, fun() -> zlib:getBufSize(Z) end,
                           fun() -> zlib:crc32(Z) end, fun() -> zlib:deflateEnd(Z) end, fun() -> zlib:deflateReset(Z) end]]),
    Other = spawn(fun() ->
                          receive go -> ok end,
                          Small = zlib:deflate(Z, text(), finish),
                          zlib:set_controlling_process(Z, Self),
                          Self ! {small, Small}
                  end),
    ?SHOW(zlib:set_controlling_process(Z, Other)),
    ?TRY(zlib:deflate(Z, <<"a">>)),
    Other ! go,
    receive {small, Small} -> ?SHOW(zlib:uncompress(iolist_to_binary(Small)) =:= text()) end,
    ?SHOW(zlib:deflateEnd(Z)).

dictionaries() ->
    Dictionary = <<"the shores of Troy, arms and the man">>,
    Z = deflating(),
    %% OTP 25 takes the checksum for a signed number.
    Adler = unsigned(zlib:deflateSetDictionary(Z, Dictionary)),
    ?SHOW(Adler =:= erlang:adler32(Dictionary)),
    Small = zlib:deflate(Z, text(), finish),
    ?TRY(unsigned(zlib:deflateSetDictionary(Z, Dictionary))),
    I = inflating(),
    ?TRY(zlib:inflateSetDictionary(I, Dictionary)),
    {error, {need_dictionary, Asked}} = failure(fun() -> zlib:inflate(I, Small) end),
    ?SHOW(unsigned(Asked) =:= Adler),
    ?TRY(zlib:inflateSetDictionary(I, <<"another">>)),
    ?SHOW(zlib:inflateSetDictionary(I, [Dictionary])),
    ?SHOW(iolist_to_binary(zlib:inflate(I, [])) =:= text()),
    ?SHOW(is_binary(zlib:inflateGetDictionary(I))),
    ?SHOW(zlib:inflateEnd(I)),
    %% Without an exception.
    J = inflating(),
    {need_dictionary, Needed, Before} = zlib:inflate(J, Small, [{exception_on_need_dict, false}]),
    ?SHOW({unsigned(Needed) =:= Adler, Before}),
    ok = zlib:inflateSetDictionary(J, Dictionary),
    ?SHOW(iolist_to_binary(zlib:inflate(J, [], [{exception_on_need_dict, false}])) =:= text()),
    K = inflating(),
    {need_dictionary, Needed, Nothing} = zlib:safeInflate(K, Small),
    ?SHOW(Nothing),
    ?SHOW(iolist_to_binary(zlib:compress(<<>>)) =:= iolist_to_binary(zlib:compress([]))).

unsigned(Checksum) -> Checksum band 16#ffffffff.

raw_dictionaries() ->
    Dictionary = binary:copy(<<"0123456789abcdef">>, 4000),
    Z = zlib:open(),
    zlib:deflateInit(Z, 6, deflated, -15, 8, default),
    ?SHOW(unsigned(zlib:deflateSetDictionary(Z, Dictionary))),
    Text = binary:part(Dictionary, 30000, 30000),
    Small = iolist_to_binary(zlib:deflate(Z, Text, finish)),
    ?SHOW(byte_size(Small) < 300),
    I = new(fun(S) -> zlib:inflateInit(S, -15) end),
    ?SHOW(zlib:inflateSetDictionary(I, Dictionary)),
    ?SHOW(zlib:inflateGetDictionary(I) =:= binary:part(Dictionary, byte_size(Dictionary) - 32768, 32768)),
    ?SHOW(iolist_to_binary(zlib:inflate(I, Small)) =:= Text),
    ?SHOW({zlib:crc32(Z) =:= erlang:crc32(Text), zlib:crc32(I) =:= erlang:crc32(Text)}),
    Gzip = new(fun(S) -> zlib:deflateInit(S, 6, deflated, 31, 8, default) end),
    ?TRY(zlib:deflateSetDictionary(Gzip, Dictionary)).

safe_inflate() ->
    Large = binary:copy(<<0>>, 1000000),
    I = inflating(),
    {Kinds, Parts} = lists:unzip(all_parts(I, zlib:safeInflate(I, zlib:compress(Large)))),
    ?SHOW({length(Kinds), lists:last(Kinds), lists:usort(lists:droplast(Kinds))}),
    ?SHOW([iolist_size(Part) || Part <- Parts]),
    ?SHOW(iolist_to_binary(Parts) =:= Large),
    ?SHOW(zlib:safeInflate(I, [])),
    ?SHOW(zlib:inflateEnd(I)).

all_parts(I, {continue, Part}) -> [{continue, Part} | all_parts(I, zlib:safeInflate(I, []))];
all_parts(_, {finished, Part}) -> [{finished, Part}].

inflate_chunk() ->
    I = inflating(),
    ?SHOW(zlib:getBufSize(I)),
    ?SHOW(zlib:setBufSize(I, 100)),
    ?SHOW(zlib:getBufSize(I)),
    Small = zlib:compress(binary:part(text(), 0, 350)),
    {more, First} = zlib:inflateChunk(I, Small),
    {more, Second} = zlib:inflateChunk(I),
    {more, Third} = zlib:inflateChunk(I),
    Last = zlib:inflateChunk(I),
    ?SHOW([iolist_size(Part) || Part <- [First, Second, Third, Last]]),
    ?SHOW(iolist_to_binary([First, Second, Third, Last]) =:= binary:part(text(), 0, 350)),
    ?SHOW(zlib:inflateChunk(I)),
    ?SHOW(zlib:inflateEnd(I)).

end_of_stream() ->
    One = zlib:compress(<<"one">>),
    Two = zlib:compress(<<"two">>),
    Run = fun(AtEnd, Datas) ->
                  I = new(fun(S) -> zlib:inflateInit(S, 15, AtEnd) end),
                  [failure(fun() -> iolist_to_binary(zlib:inflate(I, Data)) end) || Data <- Datas]
                      ++ [failure(fun() -> zlib:inflateEnd(I) end)]
          end,
    ?SHOW(Run(cut, [One, Two])),
    ?SHOW(Run(cut, [[One, Two]])),
    ?SHOW(Run(reset, [One, Two])),
    ?SHOW(Run(reset, [[One, Two, One]])),
    ?SHOW(Run(reset, [[One, <<"rubbish">>]])),
    ?SHOW(Run(error, [One, Two])),
    ?SHOW(Run(error, [[One, Two]])),
    I = inflating(),
    zlib:inflate(I, One),
    ?SHOW(zlib:inflateReset(I)),
    ?SHOW(zlib:inflate(I, Two)).

broken_data() ->
    Good = zlib:compress(text()),
    <<Start:20/binary, Byte, End/binary>> = Good,
    ?SHOW([failure(fun() -> zlib:uncompress(Bad) end)
           || Bad <- [<<>>, <<"x">>, <<"rubbish, and more">>, Start, <<Good/binary, 1>>,
                      binary:part(Good, 0, byte_size(Good) - 1), <<(binary:part(Good, 0, byte_size(Good) - 1))/binary, 77>>]]),
    ?SHOW(element(1, failure(fun() -> true = text() =:= zlib:uncompress(<<Start/binary, (Byte bxor 16#55), End/binary>>) end))),
    ?SHOW([failure(fun() -> zlib:gunzip(Bad) end) || Bad <- [<<>>, Good, <<31, 139, 8, 0>>, <<31, 139, 9, 0, 0, 0, 0, 0, 0, 0>>]]),
    ?SHOW([failure(fun() -> zlib:unzip(Bad) end) || Bad <- [<<>>, <<7>>, <<1, 5, 0, 5, 0>>]]),
    %% A window larger than was allowed.
    I = new(fun(S) -> zlib:inflateInit(S, 9) end),
    ?TRY(zlib:inflate(I, Good)),
    ?TRY(zlib:inflate(I, <<>>)).

unfinished() ->
    Z = deflating(),
    zlib:deflate(Z, <<"abc">>),
    ?TRY(zlib:deflateEnd(Z)),
    ?SHOW(zlib:deflateInit(Z)),
    ?SHOW(zlib:deflateEnd(Z)),
    I = inflating(),
    ?TRY(zlib:inflateEnd(I)),
    ?SHOW(zlib:inflateInit(I)),
    Small = zlib:compress(text()),
    ?SHOW(is_list(zlib:inflate(I, binary:part(Small, 0, 50)))),
    ?TRY(zlib:inflateEnd(I)),
    ?TRY(zlib:inflateEnd(I)).

checksums() ->
    Z = deflating(),
    ?SHOW({zlib:crc32(Z, <<"abc">>), zlib:crc32(Z, 7, <<"abc">>), zlib:adler32(Z, <<"abc">>), zlib:adler32(Z, 7, <<"abc">>)}),
    ?SHOW(zlib:crc32_combine(Z, zlib:crc32(Z, <<"abc">>), zlib:crc32(Z, <<"def">>), 3) =:= erlang:crc32(<<"abcdef">>)),
    ?SHOW(zlib:adler32_combine(Z, zlib:adler32(Z, <<"abc">>), zlib:adler32(Z, <<"def">>), 3) =:= erlang:adler32(<<"abcdef">>)),
    ?TRY(zlib:crc32(foo, <<"abc">>)),
    zlib:deflate(Z, text()),
    ?SHOW(zlib:crc32(Z)),
    R = new(fun(S) -> zlib:deflateInit(S, 6, deflated, -15, 8, default) end),
    zlib:deflate(R, text()),
    ?SHOW(zlib:crc32(R) =:= erlang:crc32(text())),
    zlib:deflateReset(R),
    ?SHOW(zlib:crc32(R)).

%% What deflateParams/3 flushed comes with the next output, whatever happens meanwhile.
stashes() ->
    Z = deflating(),
    First = zlib:deflate(Z, text()),
    ok = zlib:deflateParams(Z, none, default),
    ?TRY(zlib:deflateParams(Z, none, default)),
    garbage_collect(),
    Rest = zlib:deflate(Z, text(), finish),
    ?SHOW(zlib:uncompress(iolist_to_binary([First, Rest])) =:= <<(text())/binary, (text())/binary>>),
    Y = deflating(),
    zlib:deflate(Y, text()),
    ok = zlib:deflateParams(Y, none, default),
    ?SHOW(zlib:deflateReset(Y)),
    ?SHOW(zlib:uncompress(iolist_to_binary(zlib:deflate(Y, <<"abc">>, finish)))).

%% Streams that nobody closes are closed with their last reference.
many_streams() ->
    ?SHOW(lists:sum([begin zlib:inflate(inflating(), zlib:compress(<<I:32>>)), 1 end || I <- lists:seq(1, 200)])).

failure(F) ->
    try F() of
        Value -> {value, Value}
    catch
        Class:Reason -> {Class, Reason}
    end.
