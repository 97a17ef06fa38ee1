%% Who is told what about the machine: erlang:system_monitor/0,1,2 and system_profile/0,2.
-module(system_watch).
-export([main/0]).
-include("show.hrl").

main() ->
    settings(),
    long_gc(),
    large_heap(),
    long_schedule(),
    profile_settings(),
    profile(),
    gone().

me({Pid, Options}) when Pid =:= self() -> {me, Options};
me(Other) -> Other.

settings() ->
    Self = self(),
    ?SHOW(erlang:system_monitor()),
    ?SHOW(erlang:system_monitor(Self, [{long_gc, 77}, {large_heap, 100000}, {long_schedule, 5}, busy_port, busy_dist_port])),
    ?SHOW(me(erlang:system_monitor())),
    ?SHOW(me(erlang:system_monitor(undefined))),
    ?SHOW(erlang:system_monitor({Self, [{long_gc, 0}]})),
    ?SHOW(me(erlang:system_monitor(Self, [busy_port, busy_port]))),
    ?SHOW(me(erlang:system_monitor(Self, []))),
    ?SHOW(erlang:system_monitor()),
    [?TRY(erlang:system_monitor(A))
     || A <- [atom, {}, {1}, {1, 2, 3}, {undefined, []}, {Self, atom}, {Self, [busy_port | busy_dist_port]}, {Self, [foo]}] , A =/= {Self, atom}],
    [?TRY(erlang:system_monitor(undefined, O)) || O <- [atom, [{long_gc, -1}], [{long_gc, atom}], [{large_heap, -1}], [{large_heap, x}],
                                                        [{long_schedule, -1}], [{foo, 1}], [busy_port]]],
    erlang:system_monitor(undefined).

%% What a watcher gets while Fun runs in a process of its own.
watched(Options, Fun) ->
    erlang:system_monitor(self(), Options),
    {Pid, Ref} = spawn_monitor(fun() -> Fun(), erlang:yield(), ok end),
    receive {'DOWN', Ref, process, Pid, _} -> ok end,
    erlang:system_monitor(undefined),
    first(Pid).

first(Pid) ->
    receive
        {monitor, Pid, What, Info} when is_list(Info) -> {What, [{Key, is_integer(V) orelse V} || {Key, V} <- Info]};
        {monitor, Pid, What, Info} -> {What, Info}
    after 1000 -> nothing
    end.

flush() -> receive _ -> flush() after 0 -> ok end.

long_gc() ->
    ?SHOW(watched([{long_gc, 1}], fun() -> L = lists:seq(1, 3000000), garbage_collect(), length(L) end)),
    flush().

large_heap() ->
    ?SHOW(watched([{large_heap, 50000}], fun() -> L = lists:seq(1, 200000), garbage_collect(), length(L) end)),
    flush().

%% A product of large integers is one instruction, which does not stop half-way.
long_schedule() ->
    put(bits, 2000000),
    Large = (1 bsl get(bits)) - 1,
    Long = long_schedule(Large, 20),
    ?SHOW(element(1, Long)),
    ?SHOW([Key || {Key, _} <- element(2, Long)]),
    flush().

%% A scheduler of OTP's that was asked for at this moment may miss the first.
long_schedule(Large, Tries) ->
    case watched([{long_schedule, 1}], fun() -> put(product, Large * (Large - 1)), erlang:yield() end) of
        nothing when Tries > 1 -> long_schedule(Large, Tries - 1);
        Told -> Told
    end.

profile_settings() ->
    Self = self(),
    ?SHOW(erlang:system_profile()),
    ?SHOW(erlang:system_profile(Self, [runnable_ports, scheduler, exclusive])),
    ?SHOW(me(erlang:system_profile())),
    ?SHOW(me(erlang:system_profile(undefined, []))),
    ?SHOW(erlang:system_profile(undefined, [runnable_procs])),
    ?SHOW(erlang:system_profile()),
    ?TRY(erlang:system_profile(foo, [])),
    ?TRY(erlang:system_profile(undefined, [foo])),
    ?TRY(erlang:system_profile(undefined, foo)).

profile() ->
    [?SHOW(profiled(Kind)) || Kind <- [timestamp, monotonic_timestamp, strict_monotonic_timestamp]].

%% A process that waits once: what is told of it, and whether times go up.
profiled(Kind) ->
    Self = self(),
    Profiler = spawn(fun() -> profiler(Self, []) end),
    erlang:system_profile(Profiler, [runnable_procs, Kind]),
    {Pid, Ref} = spawn_monitor(fun() -> receive go -> ok end end),
    receive after 50 -> ok end,
    Pid ! go,
    receive {'DOWN', Ref, process, Pid, _} -> ok end,
    receive after 50 -> ok end,
    erlang:system_profile(undefined, []),
    Profiler ! stop,
    Events = receive {events, All} -> [{State, Place, Time} || {P, State, Place, Time} <- All, P =:= Pid] end,
    Times = [T || {_, _, T} <- Events],
    {[{State, shape(Place)} || {State, Place, _} <- Events], lists:sort(Times) =:= Times, kind(hd(Times))}.

shape({M, F, A}) when is_atom(M), is_atom(F), is_integer(A) -> mfa;
shape(Other) -> Other.

kind({_, _, _}) -> time;
kind({_, _}) -> strict;
kind(T) when is_integer(T) -> monotonic.

profiler(Parent, Events) ->
    receive
        {profile, Pid, State, Place, Time} -> profiler(Parent, [{Pid, State, Place, Time} | Events]);
        stop -> Parent ! {events, lists:reverse(Events)}
    end.

%% Nobody is told after the one who was told has ended.
gone() ->
    {Pid, Ref} = spawn_monitor(fun() -> receive stop -> ok end end),
    erlang:system_monitor(Pid, [busy_port]),
    erlang:system_profile(Pid, [scheduler]),
    Pid ! stop,
    receive {'DOWN', Ref, process, Pid, _} -> ok end,
    erlang:yield(),
    ?SHOW(erlang:system_monitor()),
    ?SHOW(erlang:system_profile()).
