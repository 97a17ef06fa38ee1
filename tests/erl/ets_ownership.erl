%% Who owns a table and who may use it: protection, heirs, gifts, names, the end of the owner.
-module(ets_ownership).
-export([main/0]).
-include("show.hrl").

main() ->
    names(),
    protection(),
    gone(),
    heirs(),
    gifts(),
    options(),
    information(),
    all().

%% What F does in a process of its own.
other(F) ->
    Me = self(),
    {P, R} = spawn_monitor(fun() -> Me ! {self(), try {value, F()} catch C:E -> {C, E} end} end),
    receive {P, Result} -> receive {'DOWN', R, _, _, _} -> Result end end.

names() ->
    ?SHOW(ets:new(name, [named_table])),
    ?TRY(ets:new(name, [named_table])),
    ?SHOW(is_reference(ets:new(name, []))),
    ?SHOW(ets:insert(name, {1})),
    ?SHOW(ets:lookup(ets:whereis(name), 1)),
    ?SHOW(ets:info(name, id) =:= ets:whereis(name)),
    ?SHOW(ets:rename(name, other)),
    ?TRY(ets:lookup(name, 1)),
    ?SHOW(ets:lookup(other, 1)),
    ?SHOW(ets:whereis(name)),
    ?SHOW(ets:new(name, [named_table])),
    ?TRY(ets:rename(name, other)),
    ?TRY(ets:rename(name, name)),
    ?TRY(ets:rename(name, 1)),
    T = ets:new(unnamed, []),
    ?SHOW(ets:rename(T, renamed) =:= T),
    ?SHOW(ets:info(T, name)),
    ?SHOW(ets:whereis(renamed)),
    ?TRY(ets:whereis(1)),
    ?TRY(ets:whereis(T)),
    ?SHOW(ets:delete(name)),
    ?SHOW(ets:delete(other)),
    ?TRY(ets:delete(other)),
    ?TRY(ets:new(undefined, [named_table])),
    ?SHOW(is_reference(ets:whereis(undefined))),
    ?SHOW(ets:delete(undefined)),
    %% An identifier that was written down leads to its table.
    ets:insert(T, {x, y}),
    ?SHOW(ets:lookup(binary_to_term(term_to_binary(T)), x)),
    ?SHOW(ets:lookup(list_to_ref(ref_to_list(T)), x)).

protection() ->
    [begin
         T = ets:new(t, [P]),
         ets:insert(T, {1, 1}),
         ?SHOW({P, other(fun() -> ets:lookup(T, 1) end)}),
         ?SHOW(other(fun() -> ets:insert(T, {2, 2}) end)),
         ?SHOW(other(fun() -> ets:info(T, size) end)),
         ?SHOW(other(fun() -> ets:first(T) end)),
         ?SHOW(other(fun() -> ets:update_counter(T, 1, 1) end)),
         ?SHOW(other(fun() -> ets:match(T, '_') end)),
         ?SHOW(other(fun() -> ets:select_delete(T, []) end)),
         ?SHOW(other(fun() -> ets:safe_fixtable(T, true) end)),
         ?SHOW(other(fun() -> ets:setopts(T, []) end)),
         ?SHOW(other(fun() -> ets:rename(T, x) =:= T end)),
         ?SHOW(other(fun() -> ets:give_away(T, self(), x) end)),
         ?SHOW(other(fun() -> ets:delete(T) end)),
         ?SHOW(ets:info(T, size))
     end || P <- [public, protected, private]],
    ok.

%% Tables end with their owner.
gone() ->
    {value, {T, U}} = other(fun() -> {ets:new(mine, [named_table, public]), ets:new(mine, [public])} end),
    ?SHOW(T),
    ?SHOW(ets:info(T)),
    ?TRY(ets:lookup(T, 1)),
    ?SHOW(ets:info(U)),
    ?TRY(ets:lookup(U, 1)),
    ?SHOW(ets:new(mine, [named_table])),
    ets:delete(mine),
    Before = length(ets:all()),
    other(fun() -> [ets:insert(ets:new(x, [bag]), [{I, J} || J <- lists:seq(1, 20)]) || I <- lists:seq(1, 100)] end),
    ?SHOW(length(ets:all()) - Before),
    %% Those that were made first come first.
    New = [ets:new(Name, []) || Name <- [a, b, c]],
    ?SHOW([Table || Table <- ets:all(), lists:member(Table, New)] =:= New),
    [ets:delete(Table) || Table <- New].

heirs() ->
    Me = self(),
    {P, R} = spawn_monitor(
        fun() ->
                ets:new(a, [named_table, {heir, Me, {data, "of a", 1.5}}]),
                T = ets:new(b, [private, {heir, Me, b}]),
                ets:insert(a, {1, one}), ets:insert(T, {2, two}),
                ets:new(c, [named_table, {heir, none}]),
                D = ets:new(d, [{heir, self(), d}]),
                Me ! {tables, T, D}
        end),
    {T, D} = receive {tables, X, Y} -> {X, Y} end,
    receive {'DOWN', R, _, _, _} -> ok end,
    Got = lists:sort([receive {'ETS-TRANSFER', Tab, From, Data} -> {Data, Tab =:= T, From =:= P} end || _ <- [1, 2]]),
    ?SHOW(Got),
    ?SHOW({ets:lookup(a, 1), ets:lookup(T, 2), ets:info(a, owner) =:= Me, ets:info(T, heir) =:= Me}),
    ?SHOW({ets:info(c), ets:info(D)}),
    ?SHOW(ets:setopts(a, {heir, none})),
    ?SHOW(ets:info(a, heir)),
    ets:delete(a),
    ets:delete(T),
    %% An heir that is not alive is none.
    {Dead, DR} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', DR, _, _, _} -> ok end,
    E = ets:new(e, [{heir, Dead, x}]),
    ?SHOW(ets:info(E, heir)).

gifts() ->
    Me = self(),
    T = ets:new(gift, [named_table, private]),
    ets:insert(T, {1, a}),
    {P, R} = spawn_monitor(
        fun() ->
                receive {'ETS-TRANSFER', Tab, From, Data} ->
                        Me ! {got, Tab, From =:= Me, Data, ets:lookup(Tab, 1)}
                end,
                receive back -> ets:give_away(gift, Me, [back]) end
        end),
    ?SHOW(ets:give_away(T, P, {for, "you"})),
    ?SHOW(receive {got, A, B, C, D} -> {A, B, C, D} end),
    ?TRY(ets:lookup(T, 1)),
    ?TRY(ets:give_away(T, P, again)),
    P ! back,
    ?SHOW(receive {'ETS-TRANSFER', gift, From, [back]} -> From =:= P end),
    receive {'DOWN', R, _, _, _} -> ok end,
    ?SHOW(ets:lookup(T, 1)),
    ?TRY(ets:give_away(T, P, dead)),
    ?TRY(ets:give_away(T, Me, me)),
    ?TRY(ets:give_away(T, x, me)),
    ?TRY(ets:give_away(nothing, Me, me)),
    ets:delete(T).

options() ->
    T = ets:new(t, []),
    [?TRY(ets:setopts(T, O))
     || O <- [[], [{heir, none}], {heir, none}, {protection, public}, [{protection, private}, {heir, none}],
              foo, {heir, x}, {heir, x, y}, [{heir, none} | x], [{heir, none}, {heir, none}],
              [{protection, public}, {protection, public}], {protection, foo}, {keypos, 2}, {}, [foo]]],
    ?SHOW(ets:info(T, protection)),
    [begin
         R = try ets:new(o, O) catch C:E -> {C, E} end,
         erlang:display({O, case is_reference(R) of
                                true -> lists:keydelete(memory, 1, lists:keydelete(owner, 1, lists:keydelete(id, 1, ets:info(R))));
                                false -> R
                            end})
     end || O <- [[], [set], [bag, ordered_set], [public, private], [{keypos, 3}], [{keypos, 0}], [{keypos, a}],
                  [{keypos, 2}, {keypos, 5}], [compressed], [{read_concurrency, true}], [{read_concurrency, x}],
                  [{write_concurrency, true}], [{write_concurrency, auto}], [{write_concurrency, x}],
                  [{write_concurrency, {debug_hash_fixed_number_of_locks, 64}}],
                  [{write_concurrency, {debug_hash_fixed_number_of_locks, 32769}}],
                  [{write_concurrency, {debug_hash_fixed_number_of_locks, 0}}],
                  [{write_concurrency, {debug_hash_fixed_number_of_locks, 64}}, ordered_set],
                  [{write_concurrency, {debug_hash_fixed_number_of_locks, 64}}, ordered_set, {write_concurrency, true}],
                  [{decentralized_counters, true}], [{decentralized_counters, 1}], [{heir, none}],
                  [{heir, x, y}], [foo], foo, [set | foo], [{named_table, true}], [{compressed, true}]]],
    [?TRY(ets:new(N, [])) || N <- [1, "x", {}]],
    ok.

information() ->
    T = ets:new(t, [ordered_set, public, {keypos, 2}]),
    ?SHOW([K || {K, _} <- ets:info(T)]),
    ?SHOW([ets:info(T, K) || K <- [compressed, decentralized_counters, heir, keypos, name, named_table, node,
                                   protection, read_concurrency, size, type, write_concurrency, fixed,
                                   safe_fixed, safe_fixed_monotonic_time, stats]]),
    ?SHOW(ets:info(T, owner) =:= self()),
    ?SHOW(ets:info(T, id) =:= T),
    [?TRY(ets:info(T, K)) || K <- [foo, 1, "", {}]],
    [?TRY(ets:info(X)) || X <- [foo, 1, {}]],
    [?TRY(ets:info(X, size)) || X <- [foo, 1, {}]],
    ?SHOW(tuple_size(ets:info(ets:new(s, []), stats))),
    M0 = ets:info(T, memory),
    ets:insert(T, {a, 1, lists:seq(1, 100)}),
    ?SHOW(ets:info(T, memory) - M0 >= 200),
    ets:delete(T, 1),
    B0 = erlang:memory(ets),
    ets:insert(T, [{a, I, I} || I <- lists:seq(1, 10000)]),
    ?SHOW(erlang:memory(ets) - B0 > 10000 * 4 * 8),
    ets:delete(T),
    ?SHOW(erlang:memory(ets) =< B0).

all() ->
    T = ets:new(t, []),
    ets:new(named, [named_table]),
    All = ets:all(),
    ?SHOW([lists:member(X, All) || X <- [T, named, t, nothing]]),
    ets:delete(T),
    ?SHOW(lists:member(T, ets:all())).
