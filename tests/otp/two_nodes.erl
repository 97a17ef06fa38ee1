%% What two nodes that are connected do with each other: `main/0` on the one, `serve/0` on the other, whose name `main` gets with `-other Name`.
%% What is printed is the same whichever machines the nodes are.
-module(two_nodes).
-export([main/0, serve/0, idle/0]).
-export([answer/0]).
-export([echo/0, forward/2, late/1, loop/0, fails/1, start_scope/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).
-behaviour(gen_server).

-define(LATE, 10000).
-define(SHOW(E), io:format("~ts~n    ~tp~n", [??E, show(fun() -> E end)])).

show(Fun) ->
    try Fun() catch Class:Reason -> {Class, Reason} end.

%% Waits to be told what to do.
serve() ->
    register(echo, spawn(fun() -> process_flag(trap_exit, true), echo() end)),
    {ok, _} = gen_server:start({local, counter}, ?MODULE, 0, []),
    io:format("ready~n"),
    receive stop -> init:stop() end.

main() ->
    %% OTP 25 without a shell would print Latin-1, later ones print UTF-8.
    ok = io:setopts([{encoding, unicode}]),
    {ok, [[Name]]} = init:get_argument(other),
    Other = list_to_atom(Name),
    ok = connect(Other, 100),
    ok = net_kernel:monitor_nodes(true),
    names(Other),
    calls(Other),
    processes(Other),
    links(Other),
    monitors(Other),
    servers(Other),
    messages(Other),
    terms(Other),
    code(Other),
    output(Other),
    names_of_all(Other),
    sequential_traces(Other),
    tools(Other),
    again(Other),
    ends(Other),
    erlang:halt(0).

connect(_, 0) -> late;
connect(Other, Times) ->
    case net_adm:ping(Other) of
        pong ->
            case rpc:call(Other, erlang, whereis, [counter]) of
                Pid when is_pid(Pid) -> ok;
                _ -> timer:sleep(100), connect(Other, Times - 1)
            end;
        pang -> timer:sleep(100), connect(Other, Times - 1)
    end.

names(Other) ->
    ?SHOW({is_alive(), nodes() =:= [Other], nodes(hidden)}),
    ?SHOW(net_kernel:connect_node(Other)),
    ?SHOW(net_adm:ping('nobody@127.0.0.1')),
    ?SHOW([erlang:get_cookie(), erlang:get_cookie(Other)]),
    ?SHOW(length(element(2, net_adm:names({127, 0, 0, 1}))) >= 2),
    ?SHOW(rpc:call(Other, erlang, node, [self()]) =:= node()),
    ?SHOW(lists:sort([Type || {_, #{node_type := Type}} <- nodes([visible, this], #{node_type => true})])).

calls(Other) ->
    ?SHOW(rpc:call(Other, lists, seq, [1, 5])),
    ?SHOW(rpc:call(Other, erlang, error, [wrong])),
    ?SHOW(rpc:call(Other, no_module, no_function, [])),
    ?SHOW(rpc:call(Other, timer, sleep, [5000], 50)),
    ?SHOW(rpc:multicall([Other, node()], erlang, abs, [-3])),
    ?SHOW(rpc:yield(rpc:async_call(Other, erlang, abs, [-4]))),
    ?SHOW(rpc:pmap({erlang, abs}, [], [-1, -2])),
    ?SHOW(erpc:call(Other, fun() -> node() end) =:= Other),
    ?SHOW(erpc:call(Other, ?MODULE, fails, [throw])),
    ?SHOW(erpc:call(Other, ?MODULE, fails, [exit])),
    ?SHOW(erpc:call(Other, ?MODULE, fails, [error])),
    ?SHOW(erpc:call(Other, timer, sleep, [5000], 50)),
    ?SHOW(erpc:call('nobody@127.0.0.1', erlang, node, [])),
    ?SHOW(erpc:multicall([Other, node(), 'nobody@127.0.0.1'], erlang, abs, [-7])),
    ?SHOW(erpc:receive_response(erpc:send_request(Other, erlang, abs, [-8]))),
    ?SHOW(erpc:cast(Other, ?MODULE, forward, [self(), casted])),
    ?SHOW(got(casted)).

fails(throw) -> throw(thrown);
fails(exit) -> exit(exited);
fails(error) -> erlang:error({failed, here}).

forward(To, What) -> To ! What.

got(What) -> receive What -> yes after ?LATE -> {late, process_info(self(), messages)} end.

processes(Other) ->
    Self = self(),
    ?SHOW(node(spawn(Other, fun() -> Self ! {spawned, node(), node(Self) =/= node(), node(group_leader()) =:= node(Self)} end)) =:= Other),
    ?SHOW(receive {spawned, Node, true, true} -> Node =:= Other after ?LATE -> late end),
    Pid = spawn(Other, ?MODULE, loop, []),
    ?SHOW({is_pid(Pid), node(Pid) =:= Other, is_process_alive_(Pid)}),
    ?SHOW(is_process_alive(Pid)),
    ?SHOW(process_info(Pid)),
    ?SHOW(exit(Pid, kill)),
    timer:sleep(50),
    ?SHOW(is_process_alive_(Pid)),
    ?SHOW(spawn('nobody@127.0.0.1', ?MODULE, loop, []) =/= Self),
    {P2, R2} = spawn_monitor(Other, ?MODULE, late, [200]),
    ?SHOW(receive {'DOWN', R2, process, P2, Why} -> Why after ?LATE -> late end),
    {P3, R3} = spawn_opt(Other, fun() -> exit(bye) end, [monitor, {min_heap_size, 1000}]),
    ?SHOW(receive {'DOWN', R3, process, P3, Why3} -> Why3 after ?LATE -> late end),
    ?SHOW(spawn_opt(Other, fun() -> ok end, [no_option])),
    R4 = spawn_request(Other, fun() -> ok end, [{reply_tag, here}]),
    ?SHOW(receive {here, R4, ok, P4} -> node(P4) =:= Other after ?LATE -> late end),
    R5 = spawn_request('nobody@127.0.0.1', fun() -> ok end, []),
    ?SHOW(receive {spawn_reply, R5, error, Why5} -> Why5 after ?LATE -> late end).

is_process_alive_(Pid) -> rpc:call(node(Pid), erlang, is_process_alive, [Pid]).

loop() -> receive {exit, Why} -> exit(Why); {To, What} -> To ! What, loop() end.

late(Time) -> timer:sleep(Time), exit({after_, Time}).

links(Other) ->
    process_flag(trap_exit, true),
    P1 = spawn_link(Other, fun() -> exit(linked) end),
    ?SHOW(receive {'EXIT', P1, Why1} -> Why1 after ?LATE -> late end),
    P2 = spawn(Other, ?MODULE, loop, []),
    ?SHOW(link(P2)),
    ?SHOW(element(2, process_info(self(), links)) -- [P2] =/= element(2, process_info(self(), links))),
    ?SHOW(element(2, rpc:call(Other, erlang, process_info, [P2, links])) =:= [self()]),
    ?SHOW(unlink(P2)),
    %% The other node has seen it by the time it answers.
    P2 ! {self(), seen},
    ?SHOW(got(seen)),
    ?SHOW(rpc:call(Other, erlang, process_info, [P2, links])),
    link(P2),
    P2 ! {exit, {its, reason}},
    ?SHOW(receive {'EXIT', P2, Why2} -> Why2 after ?LATE -> late end),
    ?SHOW(link(P2)),
    ?SHOW(receive {'EXIT', P2, Why3} -> Why3 after ?LATE -> late end),
    Self = self(),
    P4 = spawn_link(Other, fun() -> trap_and_tell(Self) end),
    receive {trapping, P4} -> ok end,
    exit(P4, an_order),
    ?SHOW(receive {'EXIT', P4, Why4} -> Why4 after ?LATE -> late end),
    P5 = spawn(fun() -> link_and_wait(Other, Self) end),
    P6 = receive {linked, Pid6} -> Pid6 end,
    M6 = monitor(process, P6),
    exit(P5, chain),
    ?SHOW(receive {'DOWN', M6, process, P6, Why6} -> Why6 after ?LATE -> late end),
    process_flag(trap_exit, false).

%% Traps exits; says so first, since an exit signal that comes earlier would end it.
trap_and_tell(To) ->
    process_flag(trap_exit, true),
    To ! {trapping, self()},
    receive {'EXIT', _, Why} -> exit({got, Why}) end.

link_and_wait(Other, To) ->
    To ! {linked, spawn_link(Other, ?MODULE, loop, [])},
    receive never -> ok end.

monitors(Other) ->
    P1 = spawn(Other, ?MODULE, loop, []),
    M1 = monitor(process, P1),
    ?SHOW(lists:member({process, P1}, element(2, process_info(self(), monitors)))),
    P1 ! {exit, first},
    ?SHOW(receive {'DOWN', M1, process, P1, Why1} -> Why1 after ?LATE -> late end),
    M2 = monitor(process, P1),
    ?SHOW(receive {'DOWN', M2, process, P1, Why2} -> Why2 after ?LATE -> late end),
    M3 = monitor(process, {not_there, Other}),
    ?SHOW(receive {'DOWN', M3, process, {not_there, N}, Why3} when N =:= Other -> Why3 after ?LATE -> late end),
    M4 = monitor(process, {echo, Other}),
    ?SHOW(demonitor(M4, [flush, info])),
    P5 = spawn(Other, ?MODULE, loop, []),
    M5 = monitor(process, P5, [{alias, reply_demonitor}, {tag, tagged}]),
    P5 ! {M5, through_alias},
    ?SHOW(got(through_alias)),
    P5 ! {M5, through_alias},
    P5 ! {exit, now},
    timer:sleep(100),
    ?SHOW(receive Any -> Any after 0 -> nothing end),
    M6 = monitor(process, {nobody, 'nobody@127.0.0.1'}),
    ?SHOW(receive {'DOWN', M6, process, What6, Why6} -> {What6, Why6} after ?LATE -> late end).

servers(Other) ->
    ?SHOW(gen_server:call({counter, Other}, {add, 5})),
    ?SHOW(gen_server:cast({counter, Other}, {add, 5})),
    ?SHOW(gen_server:call({counter, Other}, {add, 0})),
    ?SHOW(show_call(fun() -> gen_server:call({no_server, Other}, x, 1000) end, Other)),
    ?SHOW(gen_server:call({counter, 'nobody@127.0.0.1'}, x)),
    ?SHOW(show_call(fun() -> gen_server:call({counter, Other}, {sleep, 500}, 50) end, Other)),
    ?SHOW(gen_server:call({counter, Other}, from) =:= self()),
    ?SHOW(element(1, gen_server:multi_call([Other, 'nobody@127.0.0.1'], counter, {add, 1})) =:= [{Other, 11}]),
    ?SHOW(gen_server:receive_response(gen_server:send_request({counter, Other}, {add, 2}), ?LATE)).

show_call(Fun, Other) ->
    try Fun() catch exit:{Why, {gen_server, call, [{Name, Other}, What, Time]}} -> {Why, Name, What, Time} end.

init(N) -> {ok, N}.
handle_call({add, M}, _, N) -> {reply, N + M, N + M};
handle_call(from, {Pid, _}, N) -> {reply, Pid, N};
handle_call({sleep, Time}, _, N) -> timer:sleep(Time), {reply, slept, N}.
handle_cast({add, M}, N) -> {noreply, N + M}.
handle_info(_, N) -> {noreply, N}.

echo() ->
    receive
        {From, Message} -> From ! {echo, Message};
        {count, From, Last} -> From ! {counted, count(0, Last)};
        {'EXIT', _, _} -> ok
    end,
    echo().

%% Counts numbers up to the last, which come in their order.
count(Last, Last) -> Last;
count(N, Last) -> receive M when M =:= N -> count(N + 1, Last); M -> {expected, N, got, M} end.

echoed(Other, Message) ->
    {echo, Other} ! {self(), Message},
    receive {echo, Back} -> Back after 60000 -> late end.

messages(Other) ->
    {echo, Other} ! {count, self(), 100000},
    send(Other, 0, 100000),
    ?SHOW(receive {counted, Count} -> Count after 60000 -> late end),
    Big = binary:copy(<<"0123456789abcdef">>, 10 * 65536),
    ?SHOW(echoed(Other, Big) =:= Big),
    List = lists:seq(1, 300000),
    ?SHOW(echoed(Other, List) =:= List),
    Map = maps:from_list([{N, integer_to_binary(N)} || N <- lists:seq(1, 50000)]),
    ?SHOW(echoed(Other, Map) =:= Map),
    ?SHOW(erlang:send({echo, Other}, {self(), hello}, [noconnect])),
    ?SHOW(got({echo, hello})),
    ?SHOW(erlang:send_nosuspend({echo, Other}, {self(), hello})),
    ?SHOW(got({echo, hello})),
    ?SHOW(erlang:send({echo, 'nobody@127.0.0.1'}, hello, [noconnect])).

send(_, Last, Last) -> ok;
send(Other, N, Last) -> {echo, Other} ! N, send(Other, N + 1, Last).

terms(Other) ->
    Terms = [0, -1, 1 bsl 27, 1 bsl 59, -(1 bsl 59), 1 bsl 64, -(1 bsl 4000), 1.5, -0.0, 1.0e300, a, 'å', '日本', list_to_atom(lists:duplicate(255, 16#65e5)),
             [], [a | b], "text", lists:duplicate(70000, $x), [1, 256], {}, {a}, list_to_tuple(lists:seq(1, 300)), <<>>, <<1:3>>,
             binary:copy(<<7>>, 65), <<(binary:copy(<<9>>, 100))/binary, 1:1>>, #{}, #{a => 1, "b" => [2]}, self(), make_ref(), alias(),
             fun lists:map/2, fun erlang:'+'/2, hd(erlang:ports()), {self(), {make_ref(), node()}},
             [list_to_atom("atom_" ++ integer_to_list(N)) || N <- lists:seq(1, 600)]],
    ?SHOW([N || {N, Term} <- lists:zip(lists:seq(1, length(Terms)), Terms), echoed(Other, Term) =/= Term]),
    Theirs = rpc:call(Other, erlang, make_ref, []),
    ?SHOW({is_reference(Theirs), node(Theirs) =:= Other, echoed(Other, Theirs) =:= Theirs}),
    Port = hd(rpc:call(Other, erlang, ports, [])),
    ?SHOW({is_port(Port), node(Port) =:= Other, echoed(Other, Port) =:= Port}),
    ?SHOW(element(1, element(2, catch Port ! hello))),
    ?SHOW(element(1, element(2, catch link(Port)))),
    Pid = rpc:call(Other, erlang, self, []),
    ?SHOW(list_to_pid(pid_to_list(Pid)) =:= Pid),
    ?SHOW(binary_to_term(term_to_binary(Pid)) =:= Pid),
    ?SHOW(rpc:call(Other, erlang, binary_to_term, [term_to_binary(self())]) =:= self()),
    Fun = fun(X) -> {X, Terms, self()} end,
    ?SHOW(echoed(Other, Fun) =:= Fun),
    ?SHOW((echoed(Other, Fun))(1) =:= {1, Terms, self()}),
    ?SHOW(erpc:call(Other, fun() -> (fun(Y) -> Y * 2 end)(21) end)),
    ?SHOW(echoed(Other, [Pid, Theirs, Pid]) =:= [Pid, Theirs, Pid]),
    Table = ets:new(table, []),
    true = ets:insert(Table, [{Pid, pid}, {Theirs, reference}, {Port, port}]),
    ?SHOW([ets:lookup_element(Table, Key, 2) || Key <- [Pid, Theirs, Port]]),
    ?SHOW(map_get(Pid, #{Pid => found})).

code(Other) ->
    Forms = [{attribute, 1, module, made_here}, {attribute, 1, export, [{answer, 1}]},
             {function, 1, answer, 1, [{clause, 1, [{var, 1, 'X'}], [], [{op, 1, '*', {var, 1, 'X'}, {integer, 1, 2}}]}]}],
    {ok, Module, Binary} = compile:forms(Forms),
    ?SHOW(rpc:call(Other, code, load_binary, [Module, "made_here.beam", Binary])),
    ?SHOW(rpc:call(Other, Module, answer, [21])),
    ?SHOW(rpc:call(Other, code, which, [Module])).

%% Output goes to where the process's group leader is: here.
output(Other) ->
    Self = self(),
    spawn(Other, fun() -> io:format("    from the other node: ~ts~n", [[229, 8364]]), Self ! written end),
    ?SHOW(got(written)),
    ?SHOW(rpc:call(Other, io, format, ["    by rpc~n"])),
    ?SHOW(rpc:call(Other, erlang, group_leader, []) =:= group_leader()),
    Leader = rpc:call(Other, erlang, whereis, [user]),
    Pid = spawn(fun() -> receive go -> Self ! {leader, group_leader()} end end),
    ?SHOW(group_leader(Leader, Pid)),
    Pid ! go,
    ?SHOW(receive {leader, L} -> L =:= Leader after ?LATE -> late end),
    There = spawn(Other, fun() -> receive go -> Self ! {leader, group_leader()} end end),
    ?SHOW(group_leader(Leader, There)),
    There ! go,
    ?SHOW(receive {leader, L2} -> L2 =:= Leader after ?LATE -> late end).

names_of_all(Other) ->
    ?SHOW(global:sync()),
    ?SHOW(global:register_name(here, self())),
    ?SHOW(rpc:call(Other, global, whereis_name, [here]) =:= self()),
    ?SHOW(rpc:call(Other, global, send, [here, {global, hello}]) =:= self()),
    ?SHOW(got({global, hello})),
    There = rpc:call(Other, erlang, whereis, [echo]),
    ?SHOW(rpc:call(Other, global, register_name, [there, There])),
    ?SHOW(global:whereis_name(there) =:= There),
    ?SHOW(lists:sort(global:registered_names())),
    ?SHOW(global:register_name(here, There)),
    ?SHOW(global:trans({lock, self()}, fun() -> rpc:call(Other, global, set_lock, [{lock, other}, [node(), Other], 0]) end)),
    ?SHOW(global:unregister_name(here)),
    ?SHOW(rpc:call(Other, global, whereis_name, [here])),
    {ok, _} = pg:start(scope),
    {ok, Scope} = rpc:call(Other, ?MODULE, start_scope, []),
    ?SHOW(node(Scope) =:= Other),
    ok = pg:join(scope, group, self()),
    ok = rpc:call(Other, pg, join, [scope, group, There]),
    ?SHOW(wait_for(fun() -> lists:sort(pg:get_members(scope, group)) =:= lists:sort([self(), There]) end, 100)),
    ?SHOW(wait_for(fun() -> length(rpc:call(Other, pg, get_members, [scope, group])) =:= 2 end, 100)),
    ?SHOW(pg:leave(scope, group, self())),
    ?SHOW(wait_for(fun() -> rpc:call(Other, pg, get_members, [scope, group]) =:= [There] end, 100)).


start_scope() -> gen_server:start({local, scope}, pg, [scope], []).

wait_for(_, 0) -> late;
wait_for(Fun, Times) ->
    case Fun() of
        true -> true;
        _ -> timer:sleep(50), wait_for(Fun, Times - 1)
    end.

%% Tokens go to the other node and back. What is told is told here, of events here.
sequential_traces(Other) ->
    Pid = spawn(Other, ?MODULE, answer, []),
    _ = seq_trace:set_system_tracer(self()),
    {Asker, Monitor} = spawn_monitor(fun() -> ask(Pid, Other) end),
    receive {'DOWN', Monitor, process, Asker, Told} -> ?SHOW(Told) end,
    seq_trace:set_system_tracer(false),
    Events = [Event || {seq_trace, {over, "there"}, Event} <- all()],
    ?SHOW([{Event, Now - Before, whose(From, Pid), whose(To, Pid), whose(Message, Pid)}
           || {Event, {Before, Now}, From, To, Message} <- Events]),
    %% How far they rise between depends on whether the other node had to ask its code server for a module.
    Serials = [Serial || {_, Serial, _, _, _} <- Events],
    ?SHOW(lists:all(fun({{_, Before}, {Next, _}}) -> Before =< Next end,
                    lists:zip(lists:droplast(Serials), tl(Serials)))).

ask(Pid, Other) ->
    process_flag(trap_exit, true),
    seq_trace:set_token(label, {over, "there"}),
    [seq_trace:set_token(Flag, true) || Flag <- [send, 'receive', print]],
    Pid ! {self(), hello},
    First = receive {answer, T1} -> {T1, seq_trace:get_token(label)} end,
    {answering, Other} ! {self(), again},
    Second = receive {answer, T2} -> {T2, seq_trace:get_token(label)} end,
    Alias = alias(),
    Pid ! {Alias, by_alias},
    Third = receive {answer, T3} -> {T3, seq_trace:get_token(label)} end,
    link(Pid),
    Pid ! {self(), 'end'},
    Fourth = receive {'EXIT', Pid, Reason} -> {Reason, seq_trace:get_token(label)} end,
    seq_trace:set_token([]),
    exit([First, Second, Third, Fourth]).

%% Answers with the label of the token that the message came with.
answer() ->
    register(answering, self()),
    answering().

answering() ->
    receive
        {_, 'end'} -> exit({bye, seq_trace:get_token(label)});
        {To, _} -> To ! {answer, seq_trace:get_token(label)}, answering()
    end.

whose(Term, Pid) when Term =:= Pid -> there;
whose(Term, _) when is_pid(Term), node(Term) =:= node() -> here;
whose(Term, _) when is_pid(Term) -> elsewhere;
whose(Term, _) when is_reference(Term) -> reference;
whose({answering, _}, _) -> by_name;
whose(Tuple, Pid) when is_tuple(Tuple) -> list_to_tuple([whose(E, Pid) || E <- tuple_to_list(Tuple)]);
whose(Term, _) -> Term.

all() -> receive Message -> [Message | all()] after 100 -> [] end.

tools(Other) ->
    ?SHOW(is_integer(rpc:call(Other, erlang, memory, [total]))),
    ?SHOW(rpc:call(Other, application, which_applications, []) =/= []),
    ?SHOW(is_tuple(rpc:call(Other, sys, get_status, [counter]))),
    ?SHOW([K || {K, _} <- rpc:call(Other, erlang, process_info, [rpc:call(Other, erlang, whereis, [echo]), [registered_name, message_queue_len]])]),
    ?SHOW(element(1, net_kernel:node_info(Other))),
    ?SHOW([A || {A, _} <- [hd(element(2, net_kernel:node_info(Other)))]]).

%% The connection is closed, and made again.
again(Other) ->
    flush(),
    Echo = rpc:call(Other, erlang, whereis, [echo]),
    process_flag(trap_exit, true),
    Traced = spawn_link(fun() -> net_kernel:monitor_nodes(true), receive stop -> ok end end),
    timer:sleep(100),
    erlang:trace(Traced, true, ['receive']),
    link(Echo),
    Monitor = monitor(process, Echo),
    monitor_node(Other, true),
    ?SHOW(erlang:disconnect_node(Other)),
    ?SHOW(receive {'EXIT', Echo, Why} -> Why after ?LATE -> late end),
    ?SHOW(receive {'DOWN', Monitor, process, Echo, Why2} -> Why2 after ?LATE -> late end),
    ?SHOW([receive {nodedown, N} -> N =:= Other after ?LATE -> late end || _ <- [1, 2]]),
    ?SHOW(nodes()),
    ?SHOW(echoed(Other, again)),
    ?SHOW(receive {nodeup, N} -> N =:= Other after ?LATE -> late end),
    ?SHOW(nodes() =:= [Other]),
    ?SHOW([receive {trace, Traced, 'receive', {What, N}} -> {What, N =:= Other} after ?LATE -> late end || _ <- [1, 2]]),
    unlink(Traced),
    exit(Traced, kill),
    ?SHOW(flush()).

flush() -> receive M -> [M | flush()] after 100 -> [] end.

%% Waits for a node to come and go: `idle/0` on the one, `serve/0` on the other.
idle() ->
    {ok, [[Name]]} = init:get_argument(other),
    Other = list_to_atom(Name),
    ok = connect(Other, 100),
    ok = net_kernel:monitor_nodes(true, [nodedown_reason]),
    %% Longer than a node may be silent.
    ?SHOW(receive M -> M after 7000 -> nodes() =:= [Other] end),
    Process = rpc:call(Other, os, getpid, []),
    os:cmd("kill -STOP " ++ Process),
    ?SHOW(receive {nodedown, Other, Why} -> Why after 20000 -> late end),
    os:cmd("kill -KILL " ++ Process),
    erlang:halt(0).

%% The other node ends without a word.
ends(Other) ->
    process_flag(trap_exit, true),
    Echo = rpc:call(Other, erlang, whereis, [echo]),
    link(Echo),
    Monitor = monitor(process, {echo, Other}),
    rpc:cast(Other, erlang, halt, [abort, [{flush, false}]]),
    ?SHOW(receive {'EXIT', Echo, Why} -> Why after ?LATE -> late end),
    ?SHOW(receive {'DOWN', Monitor, process, {echo, _}, Why2} -> Why2 after ?LATE -> late end),
    ?SHOW(receive {nodedown, N} -> N =:= Other after ?LATE -> late end),
    ?SHOW(net_adm:ping(Other)),
    ?SHOW(nodes()),
    ?SHOW(flush()).

