%% gen_tcp: each kind of packet, passive and active, whole and in pieces, as lists and as binaries.
%% needs: OTP
-module(tcp_packets).
-export([main/0]).
-include("show.hrl").

main() ->
    lengths(),
    lines(),
    formats(),
    http(),
    records(),
    headers(),
    sizes(),
    changes(),
    large().

%% Two ends of a connection: what came, and what sends.
pair(Options) ->
    {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}} | Options]),
    {ok, Port} = inet:port(L),
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    {ok, A} = gen_tcp:accept(L),
    ok = gen_tcp:close(L),
    {A, C}.

done({A, C}) ->
    gen_tcp:close(C),
    gen_tcp:close(A).

%% Messages about A that come soon, without A.
flush(A) ->
    receive
        {Tag, A, What} -> [{Tag, What} | flush(A)];
        {Tag, A} -> [Tag | flush(A)];
        {Tag, A, B, C, D} -> [{Tag, B, C, D} | flush(A)];
        {A, What} -> [{port, What} | flush(A)]
    after 100 -> []
    end.

%% What the active socket of a pair with these options sends for pieces that come one after the other.
active(Options, Pieces) ->
    {A, C} = Pair = pair([{active, true} | Options]),
    lists:foreach(fun(Piece) -> ok = gen_tcp:send(C, Piece), timer:sleep(10) end, Pieces),
    Messages = flush(A),
    done(Pair),
    Messages.

%% What N calls of recv give.
passive(Options, Pieces, N) ->
    {A, C} = Pair = pair([{active, false} | Options]),
    lists:foreach(fun(Piece) -> ok = gen_tcp:send(C, Piece) end, Pieces),
    Got = [case gen_tcp:recv(A, 0, 200) of
               {ok, {ssl_tls, A, T, V, D}} -> {ok, {ssl_tls, T, V, D}};
               Other -> Other
           end || _ <- lists:seq(1, N)],
    done(Pair),
    Got.

lengths() ->
    ?SHOW(active([binary, {packet, 1}], [<<3, "abc", 0, 2>>, <<"xy", 1>>, <<"z">>])),
    ?SHOW(active([list, {packet, 2}], [<<0, 3, "abc", 0>>, <<0, 0, 2, "xy">>])),
    ?SHOW(active([binary, {packet, 4}], [<<0, 0>>, <<0, 3, "ab">>, <<"c", 0, 0, 0, 0>>])),
    ?SHOW(passive([binary, {packet, 4}], [<<3:32, "abc", 1:32, "d", 0:32, 9:32, "e">>], 4)),
    {A, C} = Pair = pair([binary, {packet, 4}, {active, false}]),
    ok = inet:setopts(C, [{packet, 2}]),
    ok = gen_tcp:send(C, "hello"),
    ok = inet:setopts(C, [{packet, 4}]),
    ok = gen_tcp:send(C, <<0:(8 * 1000)>>),
    ok = inet:setopts(A, [{packet, 2}]),
    ?SHOW(gen_tcp:recv(A, 0)),
    ok = inet:setopts(A, [{packet, 4}]),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, 0), byte_size(B) end)()),
    done(Pair).

lines() ->
    ?SHOW(active([list, {packet, line}], [<<"one\ntw">>, <<"o\r\n\nthree">>])),
    {A, C} = Pair = pair([binary, {packet, line}, {active, false}]),
    ?SHOW(inet:setopts(A, [{line_delimiter, $;}, {active, true}])),
    ok = gen_tcp:send(C, "a;b\n;c"),
    timer:sleep(10),
    ok = gen_tcp:send(C, ";"),
    ?SHOW(flush(A)),
    done(Pair),
    ?SHOW(active([list, {packet, line}, {buffer, 5}], [<<"ab\nabcdefghij\n12345\n1234\n">>])),
    ?SHOW(passive([binary, {packet, line}], [<<"a\nbb\nccc">>], 3)),
    ?SHOW(active([list, {packet, line}, {packet_size, 5}], [<<"abcd\n">>, <<"abcde\n">>])).

formats() ->
    ?SHOW(active([binary, {packet, asn1}],
                 [<<16#30, 3, 1, 2, 3, 16#1f, 16#81, 0, 2>>, <<7, 8, 4, 16#82, 0, 1, 5>>])),
    ?SHOW(active([binary, {packet, sunrm}], [<<16#80, 0, 0, 2, 1, 2, 0, 0, 0>>, <<1, 9>>])),
    ?SHOW(active([binary, {packet, cdr}],
                 [<<"GIOP", 1, 2, 0, 0, 0, 0, 0, 2, 1, 2, "GIOP", 1, 2, 1, 0, 1>>,
                  <<0, 0, 0, 7>>])),
    ?SHOW(active([binary, {packet, fcgi}],
                 [<<1, 1, 0, 1, 0, 3, 2, 0, "abc", 0, 0>>, <<1, 5, 0, 1, 0, 0, 0, 0>>])),
    ?SHOW(active([binary, {packet, tpkt}], [<<3, 0, 0, 6, 1, 2, 3, 0>>, <<0, 4>>])),
    ?SHOW(active([binary, {packet, tpkt}], [<<4, 0, 0, 6, 1, 2>>])),
    ?SHOW(active([binary, {packet, cdr}], [<<"GIOQ", 1, 2, 0, 0, 0, 0, 0, 2, 1, 2>>])),
    ?SHOW(passive([binary, {packet, fcgi}], [<<2, 1, 0, 1, 0, 3, 2, 0, "abc", 0, 0>>], 1)).

http() ->
    Request = <<"GET /index.html HTTP/1.1\r\nHost: example.com\r\nX-Odd: a\r\n  b\r\n\r\n">>,
    Response = <<"HTTP/1.0 404 Not Found\r\ncontent-length: 0\r\n\r\n">>,
    ?SHOW(active([list, {packet, http}], [Request])),
    ?SHOW(active([binary, {packet, http_bin}], [Request, Response])),
    ?SHOW(active([list, {packet, http_bin}], [<<Request:30/binary>>, <<"\r\n\r\n">>])),
    ?SHOW(active([binary, {packet, httph}], [<<"Accept: */*\r\nFoo:\r\n">>, <<"\r\n">>])),
    ?SHOW(active([binary, {packet, httph_bin}], [<<"Accept: */*\r\nfoo-bar: x\r\n\r\n">>])),
    ?SHOW(passive([binary, {packet, http_bin}], [Request], 4)),
    ?SHOW(passive([binary, {packet, http}], [<<"oops\r\n">>, Request], 3)),
    ?SHOW(active([binary, {packet, http}], [<<"OPTIONS * HTTP/1.1\r\n\r\nPUT http://h:8/p HTTP/1.0\r\n\r\n",
                                              "FOO bar HTTP/1.1\r\n\r\nCONNECT a:b HTTP/1.1\r\n\r\n">>])),
    ?SHOW(active([list, {packet, http}, {buffer, 10}], [<<"GET /aaaaaaaaaaaaaaaaa HTTP/1.1\r\n">>])).

records() ->
    Record = <<22, 3, 1, 0, 3, "abc">>,
    Hello = <<16#80, 5, 1, 3, 0, 7, 7>>,
    ?SHOW(active([binary, {packet, ssl_tls}], [Record, Hello, <<23, 3, 3, 0, 0>>])),
    ?SHOW(passive([binary, {packet, ssl_tls}], [<<Record/binary, Record/binary>>], 2)).

headers() ->
    ?SHOW(active([binary, {header, 2}], [<<"abcde">>, <<"ab">>, <<"a">>])),
    ?SHOW(active([list, {header, 2}], [<<"abcde">>])),
    ?SHOW(active([binary, {packet, 2}, {header, 1}], [<<0, 3, "abc", 0, 0>>])),
    ?SHOW(passive([binary, {packet, 1}, {header, 4}], [<<6, "abcdef", 2, "xy">>], 2)),
    ?SHOW(active([binary, {deliver, port}, {header, 2}], [<<"abcde">>, <<"a">>])),
    ?SHOW(active([list, {deliver, port}, {packet, 1}], [<<3, "abc">>])).

sizes() ->
    ?SHOW(active([binary, {packet, 4}, {packet_size, 10}], [<<10:32, "0123456789">>, <<11:32, "x">>])),
    ?SHOW(passive([binary, {packet, 2}, {packet_size, 3}], [<<3:16, "abc", 4:16, "abcd">>], 3)),
    %% Pieces of the buffer's size, if all is there.
    {A, C} = Pair = pair([binary, {active, false}]),
    ok = gen_tcp:send(C, binary:copy(<<"x">>, 4000)),
    timer:sleep(50),
    ?SHOW([begin {ok, B} = gen_tcp:recv(A, 0), byte_size(B) end || _ <- [1, 2, 3]]),
    ok = inet:setopts(A, [{buffer, 100}]),
    ok = gen_tcp:send(C, binary:copy(<<"x">>, 250)),
    timer:sleep(50),
    ?SHOW([begin {ok, B} = gen_tcp:recv(A, 0), byte_size(B) end || _ <- [1, 2, 3]]),
    done(Pair).

%% The kind changes while data is there.
changes() ->
    {A, C} = Pair = pair([list, {packet, line}, {active, false}]),
    ok = gen_tcp:send(C, <<"POST 3\nabc", 0, 2, "xyGET / HTTP/1.1\r\n\r\nrest">>),
    ?SHOW(gen_tcp:recv(A, 0)),
    ok = inet:setopts(A, [{packet, raw}]),
    ?SHOW(gen_tcp:recv(A, 3)),
    ok = inet:setopts(A, [{packet, 2}, binary]),
    ?SHOW(gen_tcp:recv(A, 0)),
    ok = inet:setopts(A, [{packet, http}]),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(gen_tcp:recv(A, 3)),
    ok = inet:setopts(A, [{packet, raw}, {active, once}]),
    ?SHOW(flush(A)),
    ?SHOW(gen_tcp:unrecv(A, <<"again">>)),
    ?SHOW(gen_tcp:recv(A, 2)),
    ok = gen_tcp:send(C, "more"),
    ?SHOW(gen_tcp:recv(A, 7)),
    done(Pair).

large() ->
    Size = 3000000,
    Data = << <<(I band 255)>> || I <- lists:seq(1, Size) >>,
    {A, C} = Pair = pair([binary, {packet, 4}, {active, false}]),
    spawn_link(fun() ->
                       ok = gen_tcp:send(C, [<<Size:32>>, Data, <<2:32, "ab">>]),
                       ok = gen_tcp:send(C, Data),
                       ok = gen_tcp:send(C, [Data, <<"tail">>])
               end),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, 0), B =:= Data end)()),
    ?SHOW(gen_tcp:recv(A, 0)),
    ok = inet:setopts(A, [{packet, raw}]),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, Size), B =:= Data end)()),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, Size - 1), B =:= binary:part(Data, 0, Size - 1) end)()),
    ?SHOW(gen_tcp:recv(A, 5)),
    ok = inet:setopts(A, [{packet, 4}, {header, 3}]),
    spawn_link(fun() -> ok = gen_tcp:send(C, [<<Size:32>>, Data]) end),
    ?SHOW((fun() -> {ok, [X, Y, Z | B]} = gen_tcp:recv(A, 0), {X, Y, Z, byte_size(B)} end)()),
    ok = inet:setopts(A, [{packet, 4}, {header, 0}, list]),
    spawn_link(fun() -> ok = gen_tcp:send(C, [<<200000:32>>, binary:part(Data, 0, 200000)]) end),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, 0), {length(B), lists:sum(B)} end)()),
    ?SHOW(gen_tcp:recv(A, 0, 10)),
    done(Pair).
