%% gen_tcp: listening and accepting: many acceptors in order, time-outs, acceptors that die, what a connection inherits.
%% needs: OTP
-module(tcp_accepting).
-export([main/0]).
-include("show.hrl").

main() ->
    order(),
    timeouts(),
    deaths(),
    closing(),
    backlog(),
    inheritance(),
    families(),
    refused().

listen(Options) ->
    {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}}, {active, false} | Options]),
    {ok, Port} = inet:port(L),
    {L, Port}.

connect(Port) ->
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [{active, false}]),
    C.

status(S) ->
    {ok, Status} = prim_inet:getstatus(S),
    Status.

%% Those who come first are served first.
order() ->
    {L, Port} = listen([]),
    ?SHOW(status(L)),
    Self = self(),
    Acceptors = [begin
                     P = spawn(fun() ->
                                       {ok, A} = gen_tcp:accept(L),
                                       Self ! {N, gen_tcp:recv(A, 1), erlang:port_info(A, connected) =:= {connected, self()}},
                                       receive stop -> ok end
                               end),
                     timer:sleep(5),
                     P
                 end || N <- lists:seq(1, 5)],
    ?SHOW(status(L)),
    Clients = [begin C = connect(Port), ok = gen_tcp:send(C, Text), timer:sleep(5), C end || Text <- ["a", "b", "c", "d", "e"]],
    ?SHOW([receive {N, Got, Owner} -> {N, Got, Owner} end || N <- lists:seq(1, 5)]),
    ?SHOW(status(L)),
    [P ! stop || P <- Acceptors],
    ?SHOW([gen_tcp:recv(C, 0) || C <- Clients]),
    gen_tcp:close(L).

timeouts() ->
    {L, Port} = listen([]),
    ?SHOW(gen_tcp:accept(L, 0)),
    ?SHOW(gen_tcp:accept(L, 20)),
    ?SHOW(status(L)),
    Self = self(),
    [spawn(fun() -> Self ! {N, gen_tcp:accept(L, Time)} end) || {N, Time} <- [{1, 120}, {2, 40}, {3, 80}]],
    ?SHOW([receive {N, R} -> {N, R} end || _ <- [1, 2, 3]]),
    ?SHOW(status(L)),
    C = connect(Port),
    ?SHOW((fun() -> {ok, A} = gen_tcp:accept(L, 1000), gen_tcp:close(A) end)()),
    ?SHOW(gen_tcp:recv(C, 0)),
    ?SHOW(gen_tcp:accept(L, 0)),
    gen_tcp:close(L).

%% A connection does not go to somebody who is dead.
deaths() ->
    {L, Port} = listen([]),
    Self = self(),
    Dead = [spawn(fun() -> gen_tcp:accept(L) end) || _ <- lists:seq(1, 20)],
    timer:sleep(20),
    spawn(fun() -> {ok, A} = gen_tcp:accept(L), Self ! {accepted, gen_tcp:send(A, "hi"), gen_tcp:close(A)} end),
    timer:sleep(20),
    [exit(P, kill) || P <- Dead],
    timer:sleep(20),
    C = connect(Port),
    ?SHOW(receive {accepted, Sent, Closed} -> {Sent, Closed} end),
    ?SHOW(gen_tcp:recv(C, 0)),
    ?SHOW(status(L)),
    gen_tcp:close(L).

closing() ->
    {L, _} = listen([]),
    Self = self(),
    [spawn(fun() -> Self ! {N, gen_tcp:accept(L)} end) || N <- [1, 2, 3]],
    timer:sleep(20),
    ?SHOW(gen_tcp:close(L)),
    ?SHOW(lists:sort([receive {N, R} -> {N, R} end || _ <- [1, 2, 3]])),
    ?SHOW(gen_tcp:accept(L)),
    {M, _} = listen([]),
    C = connect(element(2, inet:port(M))),
    ?SHOW(gen_tcp:accept(C)),
    gen_tcp:close(M).

%% Connections wait until somebody accepts them.
backlog() ->
    {L, Port} = listen([{backlog, 50}]),
    Clients = [connect(Port) || _ <- lists:seq(1, 40)],
    [ok = gen_tcp:send(C, [N]) || {N, C} <- lists:zip(lists:seq(1, 40), Clients)],
    Accepted = [begin {ok, A} = gen_tcp:accept(L), A end || _ <- Clients],
    ?SHOW([begin {ok, [N]} = gen_tcp:recv(A, 1), N end || A <- Accepted]),
    [gen_tcp:close(S) || S <- [L | Clients ++ Accepted]].

inheritance() ->
    {L, Port} = listen([binary, {packet, 2}, {header, 1}, {nodelay, true}, {keepalive, true}, {delay_send, true},
                        {exit_on_close, false}, {high_watermark, 1000}, {low_watermark, 100}, {send_timeout, 77},
                        {send_timeout_close, true}, {packet_size, 500}, {buffer, 999}, {show_econnreset, true},
                        {priority, 3}, {linger, {true, 3}}, {deliver, term}]),
    C = connect(Port),
    {ok, A} = gen_tcp:accept(L),
    Names = [mode, packet, header, nodelay, keepalive, delay_send, exit_on_close, high_watermark, low_watermark,
             send_timeout, send_timeout_close, packet_size, buffer, show_econnreset, priority, linger, deliver, active],
    ?SHOW(inet:getopts(A, Names)),
    ?SHOW(inet:getopts(L, Names)),
    ?SHOW(status(A)),
    ?SHOW(erlang:port_info(A, name)),
    ?SHOW(element(2, inet:sockname(L)) =:= element(2, inet:sockname(A))),
    ?SHOW(inet:peername(A) =:= inet:sockname(C)),
    [gen_tcp:close(S) || S <- [L, C, A]],
    {M, Port2} = listen([{active, once}]),
    ?SHOW(inet:getopts(M, [active])),
    D = connect(Port2),
    {ok, B} = gen_tcp:accept(M),
    ?SHOW(inet:getopts(B, [active])),
    [gen_tcp:close(S) || S <- [M, D, B]].

families() ->
    {ok, L6} = gen_tcp:listen(0, [inet6, {active, false}, {ipv6_v6only, false}]),
    {ok, Port} = inet:port(L6),
    ?SHOW(inet:getopts(L6, [ipv6_v6only])),
    {ok, C4} = gen_tcp:connect({127, 0, 0, 1}, Port, [inet]),
    {ok, A4} = gen_tcp:accept(L6),
    ?SHOW((fun() -> {ok, {Ip, _}} = inet:peername(A4), Ip end)()),
    {ok, C6} = gen_tcp:connect({0, 0, 0, 0, 0, 0, 0, 1}, Port, [inet6]),
    {ok, A6} = gen_tcp:accept(L6),
    ?SHOW((fun() -> {ok, {Ip, _}} = inet:peername(A6), Ip end)()),
    ?SHOW((fun() -> {ok, {Ip, _}} = inet:sockname(L6), Ip end)()),
    [gen_tcp:close(S) || S <- [L6, C4, A4, C6, A6]],
    {ok, Only} = gen_tcp:listen(0, [inet6, {ipv6_v6only, true}, {ip, {0, 0, 0, 0, 0, 0, 0, 0}}]),
    {ok, Port2} = inet:port(Only),
    ?SHOW(gen_tcp:connect({127, 0, 0, 1}, Port2, [inet])),
    gen_tcp:close(Only),
    %% Sockets with the names of files.
    Path = "tcp_accepting.socket",
    file:delete(Path),
    {ok, Local} = gen_tcp:listen(0, [{ifaddr, {local, Path}}, {active, false}]),
    ?SHOW(inet:sockname(Local)),
    {ok, CL} = gen_tcp:connect({local, Path}, 0, [{active, false}]),
    {ok, AL} = gen_tcp:accept(Local),
    ?SHOW(gen_tcp:send(CL, "by name")),
    ?SHOW(gen_tcp:recv(AL, 0)),
    ?SHOW(inet:peername(CL)),
    ?SHOW(inet:peername(AL)),
    ?SHOW(inet:sockname(CL)),
    ?SHOW(prim_inet:gettype(CL)),
    [gen_tcp:close(S) || S <- [Local, CL, AL]],
    file:delete(Path),
    ?SHOW(gen_tcp:connect({local, Path}, 0, [])).

refused() ->
    {L, Port} = listen([]),
    ?SHOW(gen_tcp:listen(Port, [{ip, {127, 0, 0, 1}}])),
    gen_tcp:close(L),
    ?SHOW(gen_tcp:connect({127, 0, 0, 1}, Port, [])),
    ?SHOW(gen_tcp:connect({127, 0, 0, 1}, Port, [], 1000)),
    ?SHOW(gen_tcp:listen(0, [{ip, {1, 2, 3, 4}}])),
    ?SHOW(gen_tcp:connect({127, 0, 0, 1}, 0, [])),
    ?TRY(gen_tcp:connect({127, 0, 0, 1}, 70000, [])),
    ?TRY(gen_tcp:connect({127, 0, 0, 1}, Port, [nonsense])),
    ?TRY(gen_tcp:listen(0, [{nonsense, 1}])),
    ?TRY(gen_tcp:listen(-1, [])),
    ?TRY(gen_tcp:listen(0, [{packet, 3}])),
    ?TRY(gen_tcp:accept(not_a_socket)),
    {ok, Fresh} = gen_tcp:listen(Port, [{ip, {127, 0, 0, 1}}, {reuseaddr, true}]),
    gen_tcp:close(Fresh).
