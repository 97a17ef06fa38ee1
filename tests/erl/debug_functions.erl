%% erts_debug, as far as OTP's own tests use it: sizes and copies with sharing, the internal state.
-module(debug_functions).
-export([main/0]).
-include("show.hrl").

main() ->
    sharing(),
    maps_inside(),
    nothing_to_count(),
    dirty(),
    unavailable(),
    erts_debug:set_internal_state(available_internal_state, true),
    state(),
    others(),
    binaries(),
    ?SHOW(erts_debug:set_internal_state(available_internal_state, false)),
    unavailable().

seq(A, B) when A > B -> [];
seq(A, B) -> [A | seq(A + 1, B)].

sharing() ->
    L = seq(1, 10),
    T = id({L, L, [L | L]}),
    ?SHOW(erts_debug:size_shared(T)),
    ?SHOW(erts_debug:flat_size(T)),
    ?SHOW(erts_debug:size_shared(id(atom))),
    ?SHOW(erts_debug:size_shared({literal, [1, 2]})),
    C = erts_debug:copy_shared(T, true),
    ?SHOW(C =:= T),
    ?SHOW(erts_debug:same(C, T)),
    ?SHOW(erts_debug:same(element(1, C), element(2, C))),
    ?SHOW(erts_debug:size_shared(C)),
    Mixed = id([1.5, 1 bsl 100, binary:copy(<<7>>, 200), <<1, 2>>, fun() -> L end, make_ref(), #{L => T}]),
    ?SHOW(erts_debug:copy_shared(Mixed, false) =:= Mixed),
    ?TRY(erts_debug:copy_shared(T, foo)),
    Deep = deep(100000, []),
    ?SHOW(erts_debug:size_shared(Deep)),
    ?SHOW(erts_debug:size_shared(erts_debug:copy_shared(Deep, true))).

deep(0, T) -> T;
deep(N, T) -> deep(N - 1, {T, T}).

maps_inside() ->
    M = maps:from_list([{N, N} || N <- seq(1, 1000)]),
    Info = erts_debug:map_info(M),
    ?SHOW([element(1, Entry) || Entry <- Info]),
    {leafs, Leafs, Tuple} = lists:keyfind(leafs, 1, Info),
    ?SHOW({Leafs, tuple_size(Tuple)}),
    ?TRY(erts_debug:map_info(#{})),
    ?TRY(erts_debug:map_info(foo)).

nothing_to_count() ->
    ?TRY(erts_debug:lcnt_control(mask)),
    ?TRY(erts_debug:lcnt_control(copy_save, true)),
    ?SHOW(erts_debug:lcnt_collect()),
    ?SHOW(erts_debug:lcnt_clear()),
    ?SHOW(erts_debug:disassemble({lists, reverse, 1})),
    ?SHOW(erts_debug:interpreter_size()),
    ?SHOW(lists:all(fun(Name) -> is_list(Name) end, erts_debug:instructions())).

dirty() ->
    ?SHOW(erts_debug:dirty(normal, scheduler, type)),
    ?TRY(erts_debug:dirty(foo, scheduler, type)),
    ?TRY(erts_debug:dirty_cpu(error, badarg)),
    ?TRY(erts_debug:dirty_cpu(error, system_limit)),
    ?TRY(erts_debug:dirty_cpu(error, badarith)),
    ?TRY(erts_debug:dirty_cpu(error, "x")),
    ?SHOW(erts_debug:dirty_cpu(reschedule, 100)),
    ?SHOW(length(erts_debug:dirty_io(copy, {a, b}))),
    ?TRY(erts_debug:dirty_io(foo, 1)).

unavailable() ->
    ?TRY(erts_debug:get_internal_state(reds_left)),
    ?TRY(erts_debug:set_internal_state(reds_left, 1)),
    ?TRY(erts_debug:set_internal_state(available_internal_state, foo)).

state() ->
    ?SHOW(erts_debug:get_internal_state(available_internal_state)),
    ?TRY(erts_debug:get_internal_state(foo)),
    ?TRY(erts_debug:set_internal_state(foo, bar)),
    erts_debug:set_internal_state(reds_left, 100),
    ?SHOW(erts_debug:get_internal_state(reds_left) =< 100),
    ?SHOW([What || {What, _} <- erts_debug:get_internal_state(memory)]),
    ?SHOW(lists:sort(erts_debug:get_internal_state(processes)) =:= lists:sort(processes())),
    ?SHOW(erts_debug:get_internal_state(nbalance)),
    ?SHOW(erts_debug:get_internal_state(force_heap_frags)),
    [?SHOW(erts_debug:set_internal_state(wait, W)) || W <- [deallocations, timer_cancellations, thread_progress, aux_work]],
    Self = self(),
    spawn(fun() -> Self ! ran_meanwhile end),
    ok = erts_debug:set_internal_state(wait, timer_cancellations),
    ?SHOW(receive ran_meanwhile -> true after 0 -> false end),
    ?SHOW(erts_debug:set_internal_state(unicode_loop_limit, 10)),
    ?SHOW(erts_debug:set_internal_state(unicode_loop_limit, default)),
    ?SHOW(erts_debug:set_internal_state(mbuf, {a, "b"})),
    ?SHOW(erts_debug:set_internal_state(force_gc, self())),
    {Ref, Address} = erts_debug:set_internal_state(make, magic_ref),
    ?SHOW(erts_debug:get_internal_state({magic_ref, Ref}) =:= {Address, 1, true}),
    Copy = binary_to_term(term_to_binary(Ref)),
    ?SHOW({Copy =:= Ref, element(2, erts_debug:get_internal_state({magic_ref, Ref}))}),
    ?SHOW(erts_debug:get_internal_state({magic_ref, make_ref()})),
    Written = written(),
    erlang:garbage_collect(),
    ?SHOW(erts_debug:get_internal_state({magic_ref, binary_to_term(Written)})).

%% A reference whose object is gone when nobody holds it.
written() ->
    {Ref, _} = erts_debug:set_internal_state(make, magic_ref),
    term_to_binary(Ref).

others() ->
    Pid = spawn(fun() -> receive stop -> ok end end),
    erlang:yield(),
    ?SHOW(erts_debug:get_internal_state({process_status, Pid})),
    ?SHOW(erts_debug:get_internal_state({process_status, self()})),
    Ref = monitor(process, Pid),
    link(Pid),
    Me = self(),
    [{erl_monitor, process, target, R1, By, []}] = erts_debug:get_internal_state({monitor_list, Pid}),
    ?SHOW({R1 =:= Ref, By =:= Me}),
    [Held] = [M || {erl_monitor, process, origin, R2, _, []} = M <- erts_debug:get_internal_state({monitor_list, Me}), R2 =:= Ref],
    ?SHOW(element(5, Held) =:= Pid),
    [{erl_link, process, Other, linked, _}] = erts_debug:get_internal_state({link_list, Pid}),
    ?SHOW(Other =:= Me),
    Pid ! stop,
    receive {'DOWN', Ref, process, Pid, _} -> ok end,
    ?SHOW(erts_debug:get_internal_state({process_status, Pid})),
    ?SHOW(erts_debug:get_internal_state({monitor_list, Pid})).

binaries() ->
    Large = binary:copy(<<1>>, 100),
    <<_, Part/binary>> = Large,
    ?SHOW(erts_debug:get_internal_state({binary_info, <<1, 2>>})),
    ?SHOW(element(1, erts_debug:get_internal_state({binary_info, Large}))),
    ?SHOW(element(2, erts_debug:get_internal_state({binary_info, Part}))).
