%% gen_tcp: how connections end: closed, half closed, reset, with data left, and what everybody is told.
%% needs: OTP
-module(tcp_ends).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    closed_passive(),
    closed_active(),
    half_closed(),
    reset(),
    left_data(),
    owner_ends(),
    not_connected().

pair(Options) -> pair(Options, []).

pair(Options, More) ->
    {ok, L} = gen_tcp:listen(0, [{ip, {127, 0, 0, 1}} | Options]),
    {ok, Port} = inet:port(L),
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true} | More]),
    {ok, A} = gen_tcp:accept(L),
    ok = gen_tcp:close(L),
    {A, C}.

flush(A) ->
    receive
        {Tag, A, What} -> [{Tag, What} | flush(A)];
        {Tag, A} -> [Tag | flush(A)];
        {'EXIT', _, What} -> [{exit, What} | flush(A)]
    after 100 -> []
    end.

status(S) ->
    case catch prim_inet:getstatus(S) of
        {ok, Status} -> Status;
        Other -> Other
    end.

closed_passive() ->
    {A, C} = pair([binary, {active, false}]),
    gen_tcp:close(C),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(status(A)),
    ?SHOW(gen_tcp:send(A, "x")),
    ?SHOW(gen_tcp:send(A, "x")),
    ?SHOW(inet:peername(A)),
    ?SHOW(gen_tcp:shutdown(A, write)),
    ?SHOW(gen_tcp:close(A)),
    ?SHOW(gen_tcp:close(A)),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(gen_tcp:send(A, "x")),
    ?SHOW(inet:setopts(A, [{active, true}])),
    ?SHOW(inet:getopts(A, [active])),
    ?SHOW(inet:port(A)),
    ?SHOW(flush(A)),
    %% With exit_on_close false the connection stays.
    {B, D} = pair([binary, {active, false}, {exit_on_close, false}]),
    gen_tcp:shutdown(D, write),
    ?SHOW(gen_tcp:recv(B, 0)),
    ?SHOW(gen_tcp:recv(B, 0)),
    ?SHOW(status(B)),
    ?SHOW(gen_tcp:send(B, "back")),
    ?SHOW(gen_tcp:recv(D, 4)),
    gen_tcp:close(B),
    ?SHOW(gen_tcp:recv(D, 0)),
    gen_tcp:close(D),
    ?SHOW(flush(B)).

closed_active() ->
    {A, C} = pair([binary, {active, true}]),
    gen_tcp:send(C, "bye"),
    gen_tcp:close(C),
    ?SHOW(flush(A)),
    ?SHOW(erlang:port_info(A)),
    ?SHOW(gen_tcp:send(A, "x")),
    {B, D} = pair([binary, {active, true}, {exit_on_close, false}]),
    gen_tcp:shutdown(D, write),
    ?SHOW(flush(B)),
    ?SHOW(status(B)),
    ?SHOW(gen_tcp:send(B, "back")),
    ?SHOW(gen_tcp:recv(D, 0)),
    ?SHOW(gen_tcp:close(B)),
    ?SHOW(gen_tcp:recv(D, 0)),
    ?SHOW(flush(B)),
    %% Closing one's own socket sends no message.
    {E, F} = pair([binary, {active, true}]),
    gen_tcp:close(E),
    ?SHOW(flush(E)),
    ?SHOW(gen_tcp:recv(F, 0)),
    %% Others that are linked get the port's exit signal, the owner does not.
    {G, H} = pair([binary, {active, true}]),
    Self = self(),
    spawn(fun() ->
                  process_flag(trap_exit, true),
                  link(G),
                  Ref = monitor(port, G),
                  Self ! linked,
                  receive {'EXIT', G, R} -> Self ! {exit, R} end,
                  receive {'DOWN', Ref, _, _, D2} -> Self ! {down, D2} end
          end),
    receive linked -> ok end,
    gen_tcp:close(H),
    ?SHOW(flush(G)),
    ?SHOW([receive {exit, R} -> R end, receive {down, R} -> R end]).

half_closed() ->
    {A, C} = pair([binary, {active, false}]),
    ?SHOW(gen_tcp:shutdown(C, write)),
    ?SHOW(gen_tcp:send(C, "no")),
    ?SHOW(gen_tcp:send(C, "no")),
    ?SHOW(gen_tcp:recv(A, 0)),
    {B, D} = pair([binary, {active, false}]),
    ok = gen_tcp:send(D, "request"),
    ?SHOW(gen_tcp:shutdown(D, write)),
    ?SHOW(gen_tcp:recv(B, 7)),
    ?SHOW(gen_tcp:send(B, "answer")),
    ?SHOW(gen_tcp:recv(D, 6)),
    ?SHOW(gen_tcp:shutdown(B, read)),
    ?SHOW(gen_tcp:shutdown(B, read_write)),
    ?SHOW(gen_tcp:recv(D, 0)),
    {E, F} = pair([binary, {active, true}]),
    ?SHOW(gen_tcp:shutdown(E, read)),
    ?SHOW(flush(E)),
    ?SHOW(gen_tcp:recv(F, 0, 50)),
    ?TRY(gen_tcp:shutdown(F, sideways)),
    [gen_tcp:close(S) || S <- [A, B, C, D, E, F]].

reset() ->
    Linger = [{linger, {true, 0}}],
    {A, C} = pair([binary, {active, true}], Linger),
    gen_tcp:close(C),
    ?SHOW(flush(A)),
    {B, D} = pair([binary, {active, true}, {show_econnreset, true}], Linger),
    gen_tcp:close(D),
    ?SHOW(flush(B)),
    ?SHOW(erlang:port_info(B)),
    {E, F} = pair([binary, {active, false}], Linger),
    gen_tcp:close(F),
    timer:sleep(20),
    ?SHOW(gen_tcp:recv(E, 0)),
    ?SHOW(gen_tcp:recv(E, 0)),
    {G, H} = pair([binary, {active, false}, {show_econnreset, true}], Linger),
    gen_tcp:close(H),
    timer:sleep(20),
    ?SHOW(gen_tcp:recv(G, 0)),
    ?SHOW(gen_tcp:recv(G, 0)),
    {I, J} = pair([binary, {active, false}, {show_econnreset, true}], Linger),
    gen_tcp:close(J),
    timer:sleep(20),
    ?SHOW(gen_tcp:send(I, "x")),
    ?SHOW(gen_tcp:send(I, "x")),
    ?SHOW(gen_tcp:recv(I, 0)),
    ?SHOW(gen_tcp:recv(I, 0)),
    {K, M} = pair([binary, {active, false}], []),
    gen_tcp:send(M, "unread"),
    gen_tcp:close(M),
    timer:sleep(20),
    ?SHOW(gen_tcp:send(K, "x")),
    timer:sleep(20),
    ?SHOW(gen_tcp:send(K, "x")),
    ?SHOW(gen_tcp:recv(K, 0)),
    ?SHOW(gen_tcp:recv(K, 0)),
    {N, O} = pair([binary, {active, true}, {show_econnreset, true}, {exit_on_close, false}], Linger),
    gen_tcp:close(O),
    ?SHOW(flush(N)),
    ?SHOW(status(N)),
    ?SHOW(gen_tcp:send(N, "x")),
    ?SHOW(gen_tcp:send(N, "x")),
    ?SHOW(flush(N)),
    [gen_tcp:close(S) || S <- [E, G, I, K, N]].

%% What is sent before closing arrives.
left_data() ->
    Size = 2000000,
    {A, C} = pair([binary, {active, false}], [{high_watermark, 10000000}]),
    Data = binary:copy(<<"0123456789">>, Size div 10),
    Self = self(),
    spawn(fun() ->
                  receive go -> ok end,
                  ok = gen_tcp:send(C, Data),
                  ok = gen_tcp:send(C, "end"),
                  ok = gen_tcp:close(C),
                  Self ! closed
          end) ! go,
    timer:sleep(20),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(A, Size), B =:= Data end)()),
    ?SHOW(gen_tcp:recv(A, 3)),
    ?SHOW(gen_tcp:recv(A, 0)),
    ?SHOW(receive closed -> closed end),
    %% A shutdown waits for what is queued.
    {E, F} = pair([binary, {active, false}], [{high_watermark, 10000000}]),
    ok = gen_tcp:send(F, Data),
    ok = gen_tcp:shutdown(F, write),
    ?SHOW(gen_tcp:send(F, "too late")),
    ?SHOW((fun() -> {R, _} = gen_tcp:recv(E, Size), R end)()),
    gen_tcp:close(E),
    {G, H} = pair([binary, {active, false}], [{high_watermark, 10000000}]),
    ok = gen_tcp:send(H, Data),
    ok = gen_tcp:shutdown(H, write),
    ?SHOW((fun() -> {ok, B} = gen_tcp:recv(G, Size), B =:= Data end)()),
    ?SHOW(gen_tcp:recv(G, 0)),
    ?SHOW(status(H)),
    [gen_tcp:close(S) || S <- [G, H]].

%% The socket of a process that ends is closed, and what it has sent arrives.
owner_ends() ->
    {ok, L} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(L),
    spawn(fun() ->
                  {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, []),
                  ok = gen_tcp:send(C, "last words")
          end),
    {ok, A} = gen_tcp:accept(L),
    ?SHOW(gen_tcp:recv(A, 10)),
    ?SHOW(gen_tcp:recv(A, 0)),
    gen_tcp:close(L),
    ?SHOW(gen_tcp:accept(L)),
    gen_tcp:close(A).

not_connected() ->
    {ok, L} = gen_tcp:listen(0, []),
    ?SHOW(gen_tcp:recv(L, 0)),
    ?SHOW(gen_tcp:send(L, "x")),
    ?SHOW(gen_tcp:shutdown(L, write)),
    ?SHOW(inet:peername(L)),
    ?SHOW(status(L)),
    gen_tcp:close(L).
