%% UDP: messages back and forth, passive and active sockets, shapes of data, times, errors.
%% needs: OTP
-module(udp_messages).
-export([main/0]).
-include("show.hrl").

main() ->
    [begin
         erlang:display({family, Family}),
         passive(Family, Ip),
         active(Family, Ip),
         counted(Family, Ip),
         headers(Family, Ip),
         sizes(Family, Ip),
         connected(Family, Ip)
     end || {Family, Ip} <- [{inet, {127,0,0,1}}, {inet6, {0,0,0,0,0,0,0,1}}]],
    requests(),
    refused(),
    closing(),
    many(),
    statistics().

%% A socket, and where it is.
open(Family, Ip, Options) ->
    {ok, S} = gen_udp:open(0, [Family, {ip, Ip} | Options]),
    {ok, Port} = inet:port(S),
    {S, Port}.

%% A message without ports.
flush() -> flush([]).
flush(Seen) ->
    receive
        {udp, _, Ip, _, Data} -> flush([{udp, Ip, Data} | Seen]);
        {udp, _, Ip, _, Beside, Data} -> flush([{udp, Ip, Beside, Data} | Seen]);
        {What, S} when is_port(S) -> flush([What | Seen]);
        {What, S, Why} when is_port(S) -> flush([{What, Why} | Seen])
    after 100 -> lists:reverse(Seen)
    end.

without_port({ok, {Ip, Port, Data}}, Port) -> {ok, Ip, Data};
without_port({ok, {Ip, Port, Beside, Data}}, Port) -> {ok, Ip, Beside, Data};
without_port(Other, _) -> Other.

passive(Family, Ip) ->
    {A, PortA} = open(Family, Ip, [{active, false}]),
    {B, PortB} = open(Family, Ip, [{active, false}, binary]),
    ?SHOW(gen_udp:send(A, Ip, PortB, "list")),
    ?SHOW(gen_udp:send(A, Ip, PortB, [<<"io">>, [$l, "ist"], <<>>])),
    ?SHOW(gen_udp:send(A, Ip, PortB, <<>>)),
    ?SHOW(gen_udp:send(A, {Ip, PortB}, <<"pair">>)),
    ?SHOW(gen_udp:send(A, Ip, PortB, [bad])),
    ?SHOW(without_port(gen_udp:recv(B, 0), PortA)),
    ?SHOW(without_port(gen_udp:recv(B, 2), PortA)),
    ?SHOW(without_port(gen_udp:recv(B, 0, 1000), PortA)),
    ?SHOW(without_port(gen_udp:recv(B, 0, infinity), PortA)),
    ?SHOW(gen_udp:recv(B, 0, 0)),
    ?SHOW(gen_udp:recv(B, 0, 20)),
    ?TRY(gen_udp:recv(B, 0, -1)),
    ?TRY(gen_udp:recv(B, -1)),
    ?SHOW(gen_udp:send(B, Ip, PortA, <<"answer">>)),
    ?SHOW(without_port(gen_udp:recv(A, 0, 1000), PortB)),
    %% Who waits gets it when it comes.
    Self = self(),
    spawn_link(fun() -> Self ! {got, without_port(gen_udp:recv(B, 0, 5000), PortA)} end),
    receive after 50 -> ok end,
    ?SHOW(gen_udp:recv(B, 0, 0)),
    gen_udp:send(A, Ip, PortB, <<"late">>),
    ?SHOW(receive {got, What} -> What end),
    ?SHOW(inet:sockname(A) =:= {ok, {Ip, PortA}}),
    ?SHOW(inet:peername(A)),
    ?SHOW([gen_udp:close(S) || S <- [A, B]]).

active(Family, Ip) ->
    {A, _} = open(Family, Ip, [{active, false}]),
    {B, PortB} = open(Family, Ip, [binary]),
    Send = fun(Texts) -> [gen_udp:send(A, Ip, PortB, T) || T <- Texts] end,
    Send(["1", "2", ""]),
    ?SHOW(flush()),
    ?SHOW(gen_udp:recv(B, 0, 0)),
    ?SHOW(inet:setopts(B, [{active, once}])),
    Send(["3", "4"]),
    ?SHOW(flush()),
    ?SHOW(inet:getopts(B, [active])),
    ?SHOW(inet:setopts(B, [{active, once}, list])),
    ?SHOW(flush()),
    ?SHOW(inet:setopts(B, [{mode, binary}, {active, false}])),
    Send(["5"]),
    ?SHOW(flush()),
    ?SHOW(element(1, gen_udp:recv(B, 0))),
    %% Somebody else's socket.
    Self = self(),
    Other = spawn_link(fun() ->
                               receive {take, S} -> ok end,
                               inet:setopts(S, [{active, true}]),
                               Self ! ready,
                               receive {udp, S, _, _, Data} -> Self ! {other, Data} end
                       end),
    ?SHOW(gen_udp:controlling_process(B, Other)),
    ?SHOW(gen_udp:controlling_process(B, Other)),
    Other ! {take, B},
    receive ready -> ok end,
    Send(["6"]),
    ?SHOW(receive {other, D} -> D end),
    gen_udp:close(A).

counted(Family, Ip) ->
    {A, _} = open(Family, Ip, []),
    {B, PortB} = open(Family, Ip, [{active, 2}]),
    Send = fun(Texts) -> [gen_udp:send(A, Ip, PortB, T) || T <- Texts] end,
    Send(["1", "2", "3", "4"]),
    ?SHOW(flush()),
    ?SHOW(inet:getopts(B, [active])),
    ?SHOW(inet:setopts(B, [{active, 1}])),
    ?SHOW(flush()),
    ?SHOW(inet:setopts(B, [{active, 5}])),
    ?SHOW(inet:setopts(B, [{active, -1}])),
    ?SHOW(flush()),
    ?SHOW(inet:getopts(B, [active])),
    ?SHOW(inet:setopts(B, [{active, -10}])),
    ?SHOW(flush()),
    ?SHOW(inet:setopts(B, [{active, 32767}])),
    ?SHOW(inet:setopts(B, [{active, 1}])),
    ?SHOW(inet:setopts(B, [{active, 32768}])),
    gen_udp:close(A),
    gen_udp:close(B).

headers(Family, Ip) ->
    {A, _} = open(Family, Ip, []),
    [begin
         {B, PortB} = open(Family, Ip, [{active, Active}, Mode, {header, Header}]),
         gen_udp:send(A, Ip, PortB, "abc"),
         case Active of
             true -> ?SHOW({Mode, Header, flush()});
             false ->
                 {ok, {_, _, Data}} = gen_udp:recv(B, 0),
                 ?SHOW({Mode, Header, Data})
         end,
         gen_udp:close(B)
     end || Active <- [true, false], Mode <- [list, binary], Header <- [0, 1, 3, 4]],
    gen_udp:close(A).

sizes(Family, Ip) ->
    {A, _} = open(Family, Ip, []),
    {B, PortB} = open(Family, Ip, [binary, {recbuf, 200000}, {active, false}]),
    ?SHOW(inet:getopts(B, [buffer])),
    [begin
         Sent = gen_udp:send(A, Ip, PortB, binary:copy(<<"x">>, Size)),
         Got = case Sent of
                   ok -> {ok, {_, _, Data}} = gen_udp:recv(B, 0, 1000), byte_size(Data);
                   _ -> none
               end,
         ?SHOW({Size, Sent, Got})
     end || Size <- [1, 1472, 1473, 9000, 65000, 65507, 70000]],
    %% What does not fit is lost.
    ?SHOW(inet:setopts(B, [{buffer, 10}])),
    gen_udp:send(A, Ip, PortB, "0123456789abcdef"),
    gen_udp:send(A, Ip, PortB, "next"),
    {ok, {_, _, Cut}} = gen_udp:recv(B, 0),
    ?SHOW(Cut),
    {ok, {_, _, Next}} = gen_udp:recv(B, 0),
    ?SHOW(Next),
    gen_udp:close(A),
    gen_udp:close(B).

connected(Family, Ip) ->
    {A, PortA} = open(Family, Ip, []),
    {B, PortB} = open(Family, Ip, []),
    {C, PortC} = open(Family, Ip, []),
    ?SHOW(gen_udp:connect(A, Ip, PortB)),
    ?SHOW(inet:peername(A) =:= {ok, {Ip, PortB}}),
    ?SHOW(gen_udp:send(A, "to b")),
    ?SHOW(flush()),
    %% The address is passed over.
    ?SHOW(gen_udp:send(A, Ip, PortC, "to b, too")),
    ?SHOW(receive {udp, B, _, _, Data} -> Data after 1000 -> none end),
    gen_udp:send(C, Ip, PortA, "not heard"),
    gen_udp:send(B, Ip, PortA, "heard"),
    ?SHOW(flush()),
    ?SHOW(gen_udp:connect(A, Ip, PortC)),
    ?SHOW(gen_udp:send(A, "to c")),
    ?SHOW(receive {udp, C, _, _, Data2} -> Data2 after 1000 -> none end),
    ?SHOW(gen_udp:send(B, "no address")),
    [gen_udp:close(S) || S <- [A, B, C]].

requests() ->
    {S, _} = open(inet, {127,0,0,1}, [{active, false}]),
    ?SHOW(gen_udp:send(S, {127,0,0,1}, 0, "port 0")),
    ?TRY(gen_udp:send(S, {127,0,0,1}, 65536, "port 65536")),
    ?TRY(gen_udp:send(S, {127,0,0,256}, 80, "address")),
    ?SHOW(gen_udp:send(S, {255,255,255,255}, 9, "broadcast")),
    ?SHOW(inet:setopts(S, [{broadcast, true}])),
    ?SHOW(inet:getopts(S, [broadcast, reuseaddr, header, mode, active, deliver, read_packets, tos, priority, ttl])),
    ?SHOW(inet:setopts(S, [{read_packets, 7}])),
    ?SHOW(inet:setopts(S, [{read_packets, 0}])),
    ?SHOW(inet:getopts(S, [read_packets])),
    ?SHOW(inet:setopts(S, [{tos, 16#20}, {ttl, 7}])),
    ?SHOW(inet:getopts(S, [tos, ttl])),
    ?SHOW(inet:setopts(S, [{packet, 4}, {nosuch, 1}])),
    ?SHOW(gen_tcp:recv(S, 0, 0)),
    ?SHOW(inet:setopts(S, [{recbuf, 30000}, {sndbuf, 20000}])),
    ?SHOW(inet:getopts(S, [recbuf, sndbuf, buffer])),
    ?SHOW(erlang:port_info(S, name)),
    ?SHOW(gen_udp:close(S)),
    ?SHOW(gen_udp:close(S)),
    ?SHOW(gen_udp:send(S, {127,0,0,1}, 9, "closed")),
    ?SHOW(gen_udp:recv(S, 0)),
    ?SHOW(inet:sockname(S)).

refused() ->
    {A, _} = open(inet, {127,0,0,1}, [{active, false}]),
    {B, PortB} = open(inet, {127,0,0,1}, []),
    gen_udp:close(B),
    ?SHOW(gen_udp:connect(A, {127,0,0,1}, PortB)),
    ?SHOW(gen_udp:send(A, "nobody")),
    ?SHOW(gen_udp:recv(A, 0, 1000)),
    ?SHOW(inet:setopts(A, [{active, true}])),
    ?SHOW(gen_udp:send(A, "nobody")),
    ?SHOW(flush()),
    ?SHOW(inet:getopts(A, [active])),
    gen_udp:close(A),
    %% An address that is another's, or nobody's.
    {C, PortC} = open(inet, {127,0,0,1}, []),
    ?SHOW(gen_udp:open(PortC, [{ip, {127,0,0,1}}])),
    ?SHOW(gen_udp:open(0, [{ip, {192,0,2,77}}])),
    ?TRY(gen_udp:open(0, [inet6, {ip, {127,0,0,1}}])),
    ?TRY(gen_udp:open(-1)),
    ?TRY(gen_udp:open(0, [nonsense])),
    gen_udp:close(C).

%% Who waits when the socket closes, and the owner's end.
closing() ->
    {A, _} = open(inet, {127,0,0,1}, [{active, false}]),
    Self = self(),
    spawn_link(fun() -> Self ! {got, gen_udp:recv(A, 0)} end),
    receive after 50 -> ok end,
    ?SHOW(gen_udp:close(A)),
    ?SHOW(receive {got, What} -> What after 1000 -> nothing end),
    {Pid, Ref} = spawn_monitor(fun() -> {S, _} = open(inet, {127,0,0,1}, []), exit({socket, S}) end),
    ?SHOW(receive {'DOWN', Ref, process, Pid, {socket, S}} -> erlang:port_info(S) end),
    ?SHOW(flush()).

%% More messages than are read at once, in order.
many() ->
    {A, _} = open(inet, {127,0,0,1}, []),
    {B, PortB} = open(inet, {127,0,0,1}, [binary, {recbuf, 500000}, {active, false}]),
    [ok = gen_udp:send(A, {127,0,0,1}, PortB, <<N:32>>) || N <- lists:seq(1, 100)],
    inet:setopts(B, [{active, true}]),
    ?SHOW([N || {udp, _, <<N:32>>} <- flush()] =:= lists:seq(1, 100)),
    gen_udp:close(A),
    gen_udp:close(B).

statistics() ->
    {A, _} = open(inet, {127,0,0,1}, []),
    {B, PortB} = open(inet, {127,0,0,1}, []),
    [gen_udp:send(A, {127,0,0,1}, PortB, lists:duplicate(N, $x)) || N <- [10, 20, 60]],
    flush(),
    ?SHOW(inet:getstat(A)),
    ?SHOW(inet:getstat(B)),
    ?SHOW(inet:getstat(B, [recv_oct, nosuch])),
    gen_udp:close(A),
    gen_udp:close(B).
