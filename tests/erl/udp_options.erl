%% UDP: what goes beside messages, multicast, broadcast, options of the drivers, descriptors.
%% needs: OTP
-module(udp_options).
-export([main/0]).
-include("show.hrl").

-define(LOCALHOST, {127,0,0,1}).
-define(LOCALHOST6, {0,0,0,0,0,0,0,1}).

main() ->
    beside(inet, ?LOCALHOST, [recvtos, recvttl], [[], [{tos, 16#20}], [{ttl, 7}], [{tos, 4}, {ttl, 255}]]),
    beside(inet6, ?LOCALHOST6, [recvtclass], [[], [{tclass, 16#60}]]),
    beside(inet6, ?LOCALHOST6, [recvtos, recvttl], [[], [{tclass, 16#60}]]),
    wrong(),
    multicast(),
    multicast6(),
    options(),
    devices(),
    descriptors(),
    delivered(),
    times().

open(Family, Ip, Options) ->
    {ok, S} = gen_udp:open(0, [Family, {ip, Ip} | Options]),
    {ok, Port} = inet:port(S),
    {S, Port}.

got(S) ->
    receive
        {udp, S, Ip, _, Data} -> {Ip, Data};
        {udp, S, Ip, _, Beside, Data} -> {Ip, lists:sort(Beside), Data}
    after 300 -> nothing
    end.

%% Active and passive, with an option on, and off again.
beside(Family, Ip, Receive, Sends) ->
    {A, _} = open(Family, Ip, []),
    [begin
         {B, Port} = open(Family, Ip, [binary, {active, Active} | [{Option, true} || Option <- On]]),
         ?SHOW({Family, Active, On, inet:getopts(B, Receive)}),
         [begin
              Sent = gen_udp:send(A, Ip, Port, Control, <<"x">>),
              Got = case Active of
                        true -> got(B);
                        false ->
                            case gen_udp:recv(B, 0, 300) of
                                {ok, {From, _, Data}} -> {From, Data};
                                {ok, {From, _, Beside, Data}} -> {From, lists:sort(Beside), Data};
                                Other -> Other
                            end
                    end,
              ?SHOW({Control, Sent, Got})
          end || Control <- Sends],
         inet:setopts(B, [{Option, false} || Option <- On]),
         gen_udp:send(A, {Ip, Port}, [], <<"off">>),
         case Active of
             true -> ?SHOW(got(B));
             false -> {ok, Off} = gen_udp:recv(B, 0), ?SHOW(tuple_size(Off))
         end,
         gen_udp:close(B)
     end || Active <- [true, false], On <- [[Option] || Option <- Receive] ++ [Receive]],
    gen_udp:close(A).

wrong() ->
    {A, Port} = open(inet, ?LOCALHOST, []),
    ?TRY(gen_udp:send(A, ?LOCALHOST, Port, [{tos, 256}], "x")),
    ?TRY(gen_udp:send(A, ?LOCALHOST, Port, [{ttl, 0}], "x")),
    ?TRY(gen_udp:send(A, ?LOCALHOST, Port, [{tclass, 1}], "x")),
    ?TRY(gen_udp:send(A, ?LOCALHOST, Port, [{linger, {true, 1}}], "x")),
    ?TRY(gen_udp:send(A, ?LOCALHOST, Port, [nonsense], "x")),
    ?SHOW(got(A)),
    gen_udp:close(A).

multicast() ->
    Group = {224, 0, 0, 251},
    {A, Port} = open(inet, {0,0,0,0}, [{multicast_if, ?LOCALHOST}, {multicast_ttl, 3}, {multicast_loop, true}]),
    ?SHOW(inet:getopts(A, [multicast_ttl, multicast_loop])),
    ?SHOW(inet:setopts(A, [{add_membership, {Group, ?LOCALHOST}}])),
    ?SHOW(gen_udp:send(A, Group, Port, "to all")),
    ?SHOW(got(A)),
    ?SHOW(inet:setopts(A, [{multicast_loop, false}])),
    ?SHOW(gen_udp:send(A, Group, Port, "to others")),
    ?SHOW(got(A)),
    ?SHOW(inet:setopts(A, [{drop_membership, {Group, ?LOCALHOST}}])),
    ?SHOW(inet:setopts(A, [{drop_membership, {Group, ?LOCALHOST}}])),
    ?SHOW(inet:setopts(A, [{add_membership, {?LOCALHOST, ?LOCALHOST}}])),
    ?SHOW(inet:setopts(A, [{add_membership, {Group, {1,2,3,4}}}])),
    ?SHOW(inet:setopts(A, [{add_membership, nonsense}])),
    ?SHOW(inet:getopts(A, [add_membership])),
    gen_udp:close(A).

multicast6() ->
    {A, _} = open(inet6, {0,0,0,0,0,0,0,0}, []),
    ?SHOW(inet:getopts(A, [multicast_ttl, multicast_loop, ipv6_v6only, tclass])),
    ?SHOW(inet:setopts(A, [{multicast_loop, false}, {multicast_ttl, 5}, {tclass, 4}])),
    ?SHOW(inet:getopts(A, [multicast_ttl, multicast_loop, ipv6_v6only, tclass])),
    gen_udp:close(A),
    {B, _} = open(inet6, {0,0,0,0,0,0,0,0}, [{ipv6_v6only, true}]),
    ?SHOW(inet:getopts(B, [ipv6_v6only])),
    gen_udp:close(B),
    %% A mapped address.
    {C, Port} = open(inet6, {0,0,0,0,0,0,0,0}, [{ipv6_v6only, false}]),
    {D, _} = open(inet, ?LOCALHOST, []),
    ?SHOW(gen_udp:send(D, ?LOCALHOST, Port, "mapped")),
    ?SHOW(got(C)),
    gen_udp:close(C),
    gen_udp:close(D).

options() ->
    {A, _} = open(inet, ?LOCALHOST, []),
    All = [active, add_membership, broadcast, buffer, delay_send, deliver, dontroute, drop_membership, exit_on_close, header,
           high_msgq_watermark, high_watermark, keepalive, linger, low_msgq_watermark, low_watermark, mode,
           multicast_loop, multicast_ttl, nodelay, packet, packet_size, priority, read_packets,
           recbuf, recvtos, recvttl, reuseaddr, send_timeout, send_timeout_close, show_econnreset, sndbuf, tos, ttl],
    [?SHOW({Option, inet:getopts(A, [Option])}) || Option <- All],
    ?SHOW(inet:getopts(A, [nonsense])),
    ?SHOW(inet:setopts(A, [{linger, {true, 5}}])),
    ?SHOW(inet:getopts(A, [linger])),
    ?SHOW(inet:setopts(A, [{dontroute, true}, {priority, 3}, {keepalive, true}])),
    ?SHOW(inet:getopts(A, [dontroute, priority, keepalive])),
    [?SHOW({Set, inet:setopts(A, [Set]), inet:getopts(A, [high_msgq_watermark, low_msgq_watermark])})
     || Set <- [{high_msgq_watermark, 1 bsl 31}, {low_msgq_watermark, 5000}, {low_msgq_watermark, 1 bsl 31}, {high_msgq_watermark, 0},
                {high_msgq_watermark, -1}, {low_msgq_watermark, -5}, {high_msgq_watermark, 4096}, {low_msgq_watermark, 1 bsl 40}]],
    %% SO_RCVBUF by number: native integers.
    ?SHOW(inet:setopts(A, [{raw, 1, 8, <<30000:32/native>>}])),
    ?SHOW(inet:getopts(A, [{raw, 1, 8, 4}])),
    ?SHOW(inet:getopts(A, [{raw, 1, 8, <<0:32>>}])),
    ?SHOW(inet:getopts(A, [{raw, 1, 12345, 4}])),
    gen_udp:close(A).

devices() ->
    ?TRY(gen_udp:open(0, [{bind_to_device, <<"no-such-device">>}])),
    ?TRY(gen_udp:open(0, [{bind_to_device, <<"a-name-that-is-too-long">>}])),
    ?TRY(gen_udp:open(0, [{netns, "/no/such/namespace"}])),
    {ok, S} = gen_udp:open(0, [{bind_to_device, <<"lo">>}]),
    ?SHOW(inet:getopts(S, [bind_to_device])),
    gen_udp:close(S).

descriptors() ->
    {A, Port} = open(inet, ?LOCALHOST, []),
    {ok, Number} = prim_inet:getfd(A),
    ?SHOW(is_integer(Number)),
    ?SHOW(element(1, gen_udp:open(0, [inet6, {fd, Number}]))),
    {ok, B} = gen_udp:open(0, [{fd, Number}, {active, false}]),
    ?SHOW(inet:port(B) =:= {ok, Port}),
    %% Who takes a descriptor over gets what comes there.
    ?SHOW(inet:setopts(B, [{active, true}])),
    {C, _} = open(inet, ?LOCALHOST, []),
    gen_udp:send(C, ?LOCALHOST, Port, "to the second"),
    ?SHOW(got(B)),
    gen_udp:close(C),
    ?SHOW(gen_udp:open(0, [{fd, 999999}])),
    ?SHOW(gen_udp:open(0, [{fd, 0}])),
    gen_udp:close(B),
    ?SHOW(inet:port(A) =:= {ok, Port}),
    gen_udp:close(A),
    ?SHOW(prim_inet:getfd(A)).

%% As data of a port.
delivered() ->
    {A, _} = open(inet, ?LOCALHOST, []),
    {B, Port} = open(inet, ?LOCALHOST, [{deliver, port}, binary]),
    gen_udp:send(A, ?LOCALHOST, Port, "as a port's"),
    ?SHOW(receive {B, {data, <<1, _:16, Data/binary>>}} -> Data;
                  {B, {data, [1, _, _ | Data]}} -> Data
          after 300 -> nothing
          end),
    gen_udp:close(A),
    gen_udp:close(B).

%% Who waits with a time gets a message that comes before, and the time does not count for the next.
times() ->
    {A, _} = open(inet, ?LOCALHOST, []),
    {B, Port} = open(inet, ?LOCALHOST, [{active, false}]),
    spawn_link(fun() -> receive after 50 -> ok end, gen_udp:send(A, ?LOCALHOST, Port, "soon") end),
    ?SHOW(element(1, gen_udp:recv(B, 0, 2000))),
    ?SHOW(gen_udp:recv(B, 0, 30)),
    ?SHOW(gen_udp:recv(B, 0, 30)),
    gen_udp:send(A, ?LOCALHOST, Port, "later"),
    ?SHOW(element(1, gen_udp:recv(B, 0, 30))),
    gen_udp:close(A),
    gen_udp:close(B).
