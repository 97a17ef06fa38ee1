%% Tokens of sequential traces: where they go, and what is told of it.
-module(sequential_traces).
-export([main/0]).
-include("show.hrl").

main() ->
    token(),
    wrong(),
    [printed(Kind) || Kind <- [none, timestamp, monotonic_timestamp, strict_monotonic_timestamp]],
    messages(),
    lost(),
    kept(),
    exits(),
    spawns(),
    requests(),
    of_the_machine(),
    collected(),
    tracer_gone().

get_token() -> element(2, process_info(self(), sequential_trace_token)).

mine({F, L, S, Pid, N}) when Pid =:= self() -> {F, L, S, me, N};
mine(Other) -> Other.

reset() -> erlang:system_flag(reset_seq_trace, true).

token() ->
    ?SHOW(get_token()),
    ?SHOW([erlang:seq_trace_info(I) || I <- [send, 'receive', print, timestamp, monotonic_timestamp, strict_monotonic_timestamp, label, serial]]),
    ?SHOW(erlang:seq_trace(send, false)),
    ?SHOW(mine(get_token())),
    ?SHOW(erlang:seq_trace(label, {my, "label"})),
    ?SHOW(mine(get_token())),
    ?SHOW([erlang:seq_trace(F, true) || F <- [send, 'receive', print, timestamp, monotonic_timestamp]]),
    ?SHOW(mine(get_token())),
    ?SHOW(erlang:seq_trace(strict_monotonic_timestamp, true)),
    ?SHOW(erlang:seq_trace(send, false)),
    ?SHOW(mine(get_token())),
    ?SHOW(erlang:seq_trace(serial, {3, 5})),
    ?SHOW(mine(get_token())),
    ?SHOW([erlang:seq_trace_info(I) || I <- [send, 'receive', print, timestamp, monotonic_timestamp, strict_monotonic_timestamp, label, serial]]),
    ?SHOW(mine(erlang:seq_trace(sequential_trace_token, []))),
    ?SHOW(get_token()),
    ?SHOW(erlang:seq_trace(label, 17)),
    ?SHOW(mine(get_token())),
    ?SHOW(reset()),
    ?SHOW(get_token()),
    erlang:seq_trace(label, 19),
    ?SHOW(mine(get_token())),
    reset().

wrong() ->
    ?TRY(erlang:seq_trace(foo, true)),
    ?TRY(erlang:seq_trace(send, 1)),
    ?TRY(erlang:seq_trace(1, true)),
    ?TRY(erlang:seq_trace(serial, 1)),
    ?TRY(erlang:seq_trace(serial, {a, 1})),
    ?TRY(erlang:seq_trace_info(foo)),
    ?TRY(erlang:seq_trace_info(1)),
    ?TRY(erlang:system_flag(sequential_tracer, foo)),
    ?SHOW(erlang:seq_trace_print(nothing)),
    ?SHOW(erlang:seq_trace_print(1, nothing)).

%% Everything that is told while Fun runs; names in place of pids.
traced(Fun) ->
    Self = self(),
    Tracer = spawn(fun() -> tracer(Self, []) end),
    erlang:system_flag(sequential_tracer, Tracer),
    Fun(),
    erlang:seq_trace(sequential_trace_token, []),
    receive after 100 -> ok end,
    erlang:system_flag(sequential_tracer, false),
    Tracer ! stop,
    All = receive {traced, Traced} -> Traced end,
    reset(),
    All.

tracer(Parent, Got) ->
    receive
        stop -> Parent ! {traced, lists:reverse(Got)};
        Message -> tracer(Parent, [Message | Got])
    end.

name(Term, Names) when is_pid(Term) -> proplists_get(Term, Names);
name(Term, Names) when is_reference(Term) -> proplists_get(Term, Names);
name(Term, Names) when is_tuple(Term) -> list_to_tuple([name(T, Names) || T <- tuple_to_list(Term)]);
name([H | T], Names) -> [name(H, Names) | name(T, Names)];
name(Term, _) -> Term.

proplists_get(Key, [{Key, Value} | _]) -> Value;
proplists_get(Key, [_ | Rest]) -> proplists_get(Key, Rest);
proplists_get(_, []) -> other.

printed(Kind) ->
    All = traced(fun() ->
                         erlang:seq_trace(label, print),
                         erlang:seq_trace(print, true),
                         Kind =:= none orelse erlang:seq_trace(Kind, true),
                         true = erlang:seq_trace_print(first),
                         false = erlang:seq_trace_print(other, second),
                         true = erlang:seq_trace_print(print, third)
                 end),
    ?SHOW([stamped(name(M, [{self(), me}])) || M <- All]).

stamped({seq_trace, Label, Event}) -> {Label, Event};
stamped({seq_trace, Label, Event, {A, _, _}}) when is_integer(A) -> {Label, Event, time};
stamped({seq_trace, Label, Event, {A, B}}) when is_integer(A), is_integer(B) -> {Label, Event, strict};
stamped({seq_trace, Label, Event, A}) when is_integer(A) -> {Label, Event, monotonic}.

%% Self -> First -> Second -> Self.
messages() ->
    Self = self(),
    Second = spawn(fun() -> receive {to, M} -> Self ! {back, M, mine(get_token())} end end),
    First = spawn(fun() -> receive {to, M} -> Second ! {to, {again, M}} end end),
    register(first, First),
    All = traced(fun() ->
                         erlang:seq_trace(label, way),
                         erlang:seq_trace(send, true),
                         erlang:seq_trace('receive', true),
                         first ! {to, [1, 2]},
                         receive {back, What, Token} -> ?SHOW({What, setelement(4, Token, x)}) end,
                         ?SHOW(setelement(4, get_token(), x))
                 end),
    [?SHOW(stamped(name(M, [{Self, me}, {First, first}, {Second, second}]))) || M <- All].

%% A message without a token takes the receiver's away; a timeout does not.
lost() ->
    Self = self(),
    erlang:seq_trace(label, lost),
    receive after 1 -> ok end,
    ?SHOW(mine(get_token())),
    Sender = spawn(fun() -> receive go -> Self ! plain end end),
    erlang:seq_trace(sequential_trace_token, []),
    Sender ! go,
    erlang:seq_trace(label, lost),
    receive plain -> ok end,
    ?SHOW(get_token()),
    %% Out of order: each message has its own.
    erlang:seq_trace(sequential_trace_token, []),
    self() ! one,
    erlang:seq_trace(label, two),
    self() ! two,
    erlang:seq_trace(label, three),
    self() ! three,
    receive two -> ok end,
    ?SHOW(element(2, get_token())),
    receive one -> ok end,
    ?SHOW(get_token()),
    receive three -> ok end,
    ?SHOW(element(2, get_token())),
    reset().

%% Messages of the machine itself leave the token alone; an exit signal of a process that has none does not.
kept() ->
    Self = self(),
    Pid = spawn(fun() -> receive stop -> ok end end),
    Linked = spawn(fun() -> link(Self), Self ! linked, receive stop -> exit(stopped) end end),
    receive linked -> ok end,
    Old = process_flag(trap_exit, true),
    erlang:send_after(20, Pid, stop),
    Monitor = monitor(process, Pid),
    erlang:send_after(10, self(), sent),
    Started = erlang:start_timer(15, self(), started),
    erlang:seq_trace(label, kept),
    receive sent -> ?SHOW(mine(get_token())) end,
    receive {timeout, Started, started} -> ?SHOW(mine(get_token())) end,
    receive {'DOWN', Monitor, process, Pid, _} -> ?SHOW(mine(get_token())) end,
    erlang:garbage_collect(Linked),
    ?SHOW(mine(get_token())),
    erlang:seq_trace(sequential_trace_token, []),
    erlang:send_after(10, Linked, stop),
    erlang:seq_trace(label, kept),
    receive {'EXIT', Linked, Why} -> ?SHOW({Why, mine(get_token())}) end,
    process_flag(trap_exit, Old),
    reset().

exits() ->
    Self = self(),
    Old = process_flag(trap_exit, true),
    Pid = spawn_link(fun() -> receive M -> exit({got, M}) end end),
    All = traced(fun() ->
                         erlang:seq_trace(label, exits),
                         erlang:seq_trace(send, true),
                         Pid ! end_it,
                         receive {'EXIT', Pid, Reason} -> ?SHOW(Reason) end
                 end),
    ?SHOW([stamped(name(M, [{Self, me}, {Pid, child}])) || M <- All]),
    process_flag(trap_exit, Old).

spawns() ->
    Self = self(),
    All = traced(fun() ->
                         erlang:seq_trace(label, spawns),
                         erlang:seq_trace(send, true),
                         erlang:seq_trace('receive', true),
                         spawn(fun() -> Self ! {child, self()} end),
                         receive {child, Pid} -> put(child, Pid) end
                 end),
    Names = [{Self, me}, {get(child), child}],
    [begin
         {Label, {Event, Serial, From, To, What}} = stamped(name(M, Names)),
         ?SHOW({Label, Event, Serial, From, To, element(1, What)})
     end || M <- All].

%% What a spawn on this node says. Serial numbers behind the answer are not told: OTP jumps there.
requests() ->
    process_flag(trap_exit, true),
    Leader = group_leader(),
    Idle = fun() -> receive stop -> ok end end,
    Ways = [fun() -> spawn(?MODULE, id, [id(x)]) end,
            fun() -> spawn_link(?MODULE, id, [x]) end,
            fun() -> spawn(Idle) end,
            fun() -> element(1, spawn_monitor(Idle)) end,
            fun() -> spawn_opt(Idle, [link, {priority, low}]) end,
            fun() -> element(1, spawn_opt(?MODULE, id, [x], [{fullsweep_after, 3}, monitor])) end],
    [begin
         All = traced(fun() ->
                              erlang:seq_trace(label, requests),
                              erlang:seq_trace(send, true),
                              put(child, Way()),
                              put(token, get_token())
                      end),
         ?SHOW(setelement(4, get(token), 0) =:= {1, requests, 1, 0, 0}),
         ?SHOW([case stamped(M) of
                    {Label, {send, Serial, From, To, {spawn_request, _, Parent, L, Call, Options, Tag, Arguments}}} ->
                        {Label, Serial, From =:= self(), To =:= get(child), Parent =:= self(), L =:= Leader, Call, Options, Tag, length(Arguments)};
                    {Label, {send, Serial, From, To, {spawn_reply, _, ok, Pid}}} ->
                        {Label, Serial, From =:= get(child), To =:= self(), Pid =:= From};
                    {_, {send, _, _, _, Other}} ->
                        {other, element(1, Other)}
                end || M <- All])
     end || Way <- Ways],
    process_flag(trap_exit, false).

%% Messages of the machine itself leave the token alone.
of_the_machine() ->
    process_flag(trap_exit, true),
    {Pid, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, _, _, _} -> ok end,
    erlang:seq_trace(label, mine),
    link(Pid),
    receive {'EXIT', Pid, noproc} -> ok end,
    ?SHOW(element(2, get_token())),
    Ref = spawn_request(?MODULE, id, [x], [no_option]),
    receive {spawn_reply, Ref, error, badopt} -> ok end,
    ?SHOW(element(2, get_token())),
    erlang:send_after(1, self(), tick),
    receive tick -> ok end,
    ?SHOW(element(2, get_token())),
    process_flag(trap_exit, false),
    reset().

%% Tokens survive collections, in the process and beside messages.
collected() ->
    Self = self(),
    Pid = spawn(fun() -> receive go -> ok end, [receive {N, _} -> ok end || N <- [5, 1, 3, 2, 4]], Self ! {token, get_token()} end),
    erlang:seq_trace(label, {long, [label, <<"with">>, 1 bsl 80]}),
    [Pid ! {N, [N]} || N <- [1, 2, 3, 4, 5]],
    erlang:garbage_collect(Pid),
    erlang:garbage_collect(),
    Pid ! go,
    erlang:garbage_collect(Pid),
    receive {token, Token} -> ?SHOW(mine(Token)) end,
    reset().

tracer_gone() ->
    {Pid, Ref} = spawn_monitor(fun() -> receive stop -> ok end end),
    erlang:system_flag(sequential_tracer, Pid),
    ?SHOW(erlang:system_info(sequential_tracer) =:= {sequential_tracer, Pid}),
    Pid ! stop,
    receive {'DOWN', Ref, process, Pid, _} -> ok end,
    ?SHOW(erlang:system_info(sequential_tracer)).
