%% inet: options of TCP sockets, good and bad; addresses that are claimed; what is known of a socket.
%% needs: OTP
-module(tcp_options).
-export([main/0]).
-include("show.hrl").

main() ->
    defaults(),
    changes(),
    bad(),
    raw(),
    names(),
    unconnected(),
    information().

pair(Options) ->
    {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}} | Options]),
    {ok, Port} = inet:port(L),
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, []),
    {ok, A} = gen_tcp:accept(L),
    {L, A, C}.

all() ->
    [reuseaddr, keepalive, dontroute, linger, broadcast, priority, tos, tclass, recvtos, recvtclass, ttl, recvttl,
     nodelay, nopush, multicast_loop, ipv6_v6only, buffer, header, active, packet, mode, deliver,
     exit_on_close, high_watermark, low_watermark, high_msgq_watermark, low_msgq_watermark, send_timeout,
     send_timeout_close, delay_send, packet_size, read_packets, netns, show_econnreset, bind_to_device, pktoptions, debug].

defaults() ->
    {L, A, C} = pair([]),
    [?SHOW({Name, [inet:getopts(S, [Name]) || S <- [L, A, C]]}) || Name <- all()],
    ?SHOW(inet:getopts(C, all())),
    ?SHOW([begin {ok, [{_, N}]} = inet:getopts(C, [O]), N > 1000 end || O <- [sndbuf, recbuf]]),
    ?SHOW([inet:getopts(C, [O]) || O <- [line_delimiter, add_membership, drop_membership]]),
    [gen_tcp:close(S) || S <- [L, A, C]],
    {ok, L6} = gen_tcp:listen(0, [inet6]),
    [?SHOW({Name, inet:getopts(L6, [Name])}) || Name <- [tclass, recvtclass, tos, ttl, ipv6_v6only]],
    gen_tcp:close(L6).

changes() ->
    {L, A, C} = pair([]),
    [begin
         Set = inet:setopts(C, [{Name, Value}]),
         erlang:display({Name, Value, Set, inet:getopts(C, [Name])})
     end || {Name, Value} <- [{reuseaddr, true}, {keepalive, true}, {dontroute, true}, {linger, {true, 2}},
                              {linger, {false, 0}}, {priority, 4}, {tos, 16}, {recvtos, true}, {ttl, 7}, {recvttl, true},
                              {nodelay, true}, {nopush, true}, {nopush, false}, {buffer, 5000}, {buffer, 0}, {header, 3},
                              {packet, 4}, {packet, line}, {packet, http_bin}, {packet, raw}, {packet_size, 77},
                              {mode, binary}, {deliver, port}, {deliver, term}, {exit_on_close, false},
                              {send_timeout, 10}, {send_timeout, infinity}, {send_timeout_close, true},
                              {delay_send, true}, {show_econnreset, true}, {read_packets, 10}, {netns, <<"/x">>},
                              {debug, false}]],
    ?SHOW(inet:setopts(C, [list, {packet, 0}])),
    ?SHOW(inet:getopts(C, [mode])),
    ?SHOW(inet:setopts(C, [binary])),
    ?SHOW(inet:getopts(C, [mode])),
    %% The buffer grows with recbuf as long as nobody sets it.
    ?SHOW(inet:setopts(A, [{recbuf, 50000}])),
    ?SHOW(inet:getopts(A, [buffer])),
    ?SHOW(inet:setopts(A, [{recbuf, 2000}])),
    ?SHOW(inet:getopts(A, [buffer])),
    ?SHOW(inet:setopts(A, [{buffer, 3000}, {recbuf, 60000}])),
    ?SHOW(inet:getopts(A, [buffer])),
    [gen_tcp:close(S) || S <- [L, A, C]].

bad() ->
    {L, A, C} = pair([]),
    [?TRY({Option, inet:setopts(C, Option)})
     || Option <- [[{packet, 3}], [{packet, foo}], [{mode, foo}], [{active, maybe_so}], [{linger, true}], [{linger, {1, 2}}],
                   [{nodelay, 1}], [{buffer, many}], [{header, -1}], [{send_timeout, -1}], [{nonsense, 1}], [nonsense],
                   [{priority, 77}], [{tos, foo}], [{ttl, 0}], [{ttl, 300}], [{tclass, 16}], [{ipv6_v6only, true}],
                   [{multicast_if, {1, 2, 3}}], [{add_membership, {{224, 0, 0, 1}, foo}}], [{netns, "text"}],
                   [{bind_to_device, <<"a name that is far too long">>}], [{raw, 6, 1, 5}], [{raw, 6, 1}], [{buffer}], 5]],
    ?TRY(inet:setopts(C, foo)),
    ?TRY(inet:getopts(C, [nonsense])),
    ?TRY(inet:getopts(C, [5])),
    ?TRY(inet:getopts(C, foo)),
    %% Options before a bad one are not set.
    ?SHOW(inet:setopts(C, [{packet, 2}, {nonsense, 1}])),
    ?SHOW(inet:getopts(C, [packet])),
    [gen_tcp:close(S) || S <- [L, A, C]].

raw() ->
    {L, A, C} = pair([]),
    ?SHOW(inet:getopts(C, [{raw, 6, 1, 4}])),
    ?SHOW(inet:setopts(C, [{raw, 6, 1, <<1:32/native>>}])),
    ?SHOW(inet:getopts(C, [{raw, 6, 1, 4}, nodelay, {raw, 6, 1, <<0:32>>}])),
    ?SHOW(inet:getopts(C, [{raw, 6, 99, 4}])),
    ?SHOW(inet:setopts(C, [{raw, 6, 99, <<0:32>>}])),
    ?SHOW(inet:setopts(C, [{raw, 6, 18, <<5000:32/native>>}])),
    ?SHOW(inet:getopts(C, [{raw, 6, 18, 4}])),
    [gen_tcp:close(S) || S <- [L, A, C]].

names() ->
    {L, A, C} = pair([]),
    ?SHOW(prim_inet:setsockname(C, {{1, 2, 3, 4}, 5})),
    ?SHOW(inet:sockname(C)),
    ?SHOW(inet:port(C)),
    ?SHOW(prim_inet:setpeername(C, {{0, 1, 2, 3, 4, 5, 6, 7}, 65535})),
    ?SHOW(inet:peername(C)),
    ?SHOW(prim_inet:setpeername(C, undefined)),
    ?SHOW(inet:peername(C) =:= inet:sockname(A)),
    ?SHOW(prim_inet:setpeername(C, {{1, 2, 3}, 5})),
    ?SHOW(prim_inet:setsockname(C, undefined)),
    ?SHOW(inet:socknames(C) =:= {ok, [element(2, inet:sockname(C))]}),
    ?SHOW(inet:peernames(C) =:= {ok, [element(2, inet:peername(C))]}),
    ?SHOW(prim_inet:gettype(C)),
    ?SHOW((fun() -> {ok, N} = prim_inet:getfd(C), is_integer(N) end)()),
    ?SHOW(prim_inet:ignorefd(C, true)),
    ?SHOW(prim_inet:ignorefd(C, true)),
    ?SHOW(prim_inet:ignorefd(C, false)),
    ?SHOW(prim_inet:ignorefd(C, false)),
    [gen_tcp:close(S) || S <- [L, A, C]].

%% What a socket says that is not connected, or not open.
unconnected() ->
    {ok, S} = prim_inet:open(tcp, inet, stream),
    ?SHOW(prim_inet:getstatus(S)),
    ?SHOW(prim_inet:peername(S)),
    ?SHOW(prim_inet:sockname(S)),
    ?SHOW(prim_inet:recv(S, 0)),
    ?SHOW(prim_inet:send(S, "x")),
    ?SHOW(prim_inet:async_accept(S, 0)),
    ?SHOW(prim_inet:shutdown(S, write)),
    ?SHOW(prim_inet:unrecv(S, "x")),
    ?SHOW(prim_inet:ignorefd(S, true)),
    ?SHOW((fun() -> {ok, P} = prim_inet:bind(S, {127, 0, 0, 1}, 0), P > 0 end)()),
    ?SHOW(prim_inet:bind(S, {127, 0, 0, 1}, 0)),
    ?SHOW(prim_inet:getstatus(S)),
    ?SHOW(prim_inet:listen(S, 5)),
    ?SHOW(prim_inet:bind(S, {127, 0, 0, 1}, 0)),
    ?SHOW(prim_inet:connect(S, {127, 0, 0, 1}, 9)),
    ?SHOW(prim_inet:listen(S, 5)),
    ?SHOW(prim_inet:close(S)),
    ?TRY(prim_inet:getstatus(S)),
    P2 = open_port({spawn_driver, "tcp_inet"}, [binary]),
    ?SHOW(prim_inet:getstatus(P2)),
    ?SHOW(prim_inet:sockname(P2)),
    ?SHOW(prim_inet:peername(P2)),
    ?SHOW(prim_inet:getfd(P2)),
    ?SHOW(prim_inet:gettype(P2)),
    ?SHOW(prim_inet:listen(P2, 5)),
    ?SHOW(prim_inet:bind(P2, {127, 0, 0, 1}, 0)),
    ?SHOW(prim_inet:connect(P2, {127, 0, 0, 1}, 9)),
    ?SHOW(prim_inet:recv(P2, 0)),
    ?SHOW(prim_inet:getopts(P2, [nodelay, buffer, high_watermark])),
    ?SHOW(prim_inet:setopts(P2, [{nodelay, true}])),
    ?SHOW(prim_inet:setopts(P2, [{priority, 1}])),
    port_close(P2).

information() ->
    {L, A, C} = pair([]),
    ?SHOW([K || {K, _} <- erlang:port_info(C)]),
    ?SHOW(erlang:port_info(C, name)),
    ?SHOW(lists:sort(maps:keys(inet:info(C)))),
    ?SHOW(maps:get(states, inet:info(L))),
    ?SHOW(maps:get(counters, inet:info(C))),
    ?SHOW(lists:member(C, erlang:ports())),
    [gen_tcp:close(S) || S <- [L, A, C]],
    ?SHOW(lists:member(C, erlang:ports())).
