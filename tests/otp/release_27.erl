%% What OTP 27 does otherwise than OTP 25. `release_27.txt` was printed by this program on OTP 27.3.4.1 (Debian 13) itself.
-module(release_27).
-export([main/0, id/1]).

main() ->
    io:format("OTP ~s~n", [erlang:system_info(otp_release)]),
    zeros(),
    map_iterators(),
    map_heads(),
    bags(),
    positions(),
    encoding(),
    packets(),
    show("time", fun() -> [erlang:system_info(time_warp_mode), erlang:system_info(time_offset)] end),
    show("largest", fun() -> {id(erlang:system_info(max_integer)) > 1 bsl 1000000, cause(fun() -> id(erlang:system_info(max_integer)) + 1 end)} end),
    show("a port that is a file", fun() -> open_port("/etc/hostname", [in]) end),
    labels().

%% Hidden from the compiler.
id(X) -> X.

%% Of what a function value computes: its value or its error.
show(What, F) ->
    Result =
        try
            F()
        catch
            C:R -> {C, R}
        end,
    io:format("~ts: ~0tp~n", [What, Result]).

cause(F) ->
    try
        F()
    catch
        error:R:Trace ->
            Info = element(4, hd(Trace)),
            #{error_info := I} = maps:from_list(Info),
            {R, maps:get(cause, I, none)}
    end.

zeros() ->
    P = id(0.0),
    M = id(-0.0),
    show("exactly equal", fun() -> {P =:= M, {P} =:= {M}, [P] =:= [M], P == M, {P} == {M}, P =/= M} end),
    show("patterns", fun() -> [zero(X) || X <- [P, M, 1.5, 0]] end),
    show("exact order", fun() -> [erts_internal:cmp_term(P, M), erts_internal:cmp_term(M, P)] end),
    show("keys", fun() -> {#{P => 1, M => 2}, maps:is_key(M, #{P => 1}), #{P => 1} == #{M => 1}} end),
    show("order of maps", fun() -> {#{P => 1} < #{M => 1}, #{M => 1} < #{P => 1}} end),
    Large = maps:from_list([{P, plus}, {M, minus} | [{I, I} || I <- lists:seq(1, 100)]]),
    show("large map", fun() -> {map_size(Large), map_get(P, Large), map_get(M, Large)} end),
    show("lists", fun() -> {lists:member(M, [P]), [P, M] -- [M], lists:usort([P, M]), lists:keyfind(M, 1, [{P}])} end),
    show("hash", fun() -> erlang:phash2(P) =:= erlang:phash2(M) end),
    Set = ets:new(t, [set]),
    ets:insert(Set, [{P, 1}, {M, 2}]),
    Ordered = ets:new(t, [ordered_set]),
    ets:insert(Ordered, [{P, 1}, {M, 2}]),
    show("tables", fun() -> {lists:sort(ets:tab2list(Set)), ets:tab2list(Ordered)} end),
    show("dictionary", fun() -> {put(P, plus), put(M, minus), get(P), get(M)} end).

zero(+0.0) -> plus;
zero(-0.0) -> minus;
zero(_) -> other.

map_iterators() ->
    Small = #{1 => a, 2 => b, 3 => c},
    Large = maps:from_list([{I, I * I} || I <- lists:seq(1, 100)]),
    show("iterators", fun() -> [maps:to_list(maps:iterator(Small, Order)) || Order <- [ordered, reversed]] end),
    show("a large one", fun() ->
        maps:fold(fun(K, V, A) -> [{K, V} | A] end, [], maps:iterator(Large, fun(A, B) -> A >= B end))
    end),
    [
        show(io_lib:format("next ~0p", [Path]), fun() -> erts_internal:map_next(Path, Map, How) end)
     || {Path, Map, How} <- [
            {[2], Small, iterator},
            {[3, 1], Small, iterator},
            {[], Small, iterator},
            {[9], Small, iterator},
            {[1, 9], Small, iterator},
            {[1 | x], Small, iterator},
            {[1], Small, []},
            {[], Large, []},
            {[1, 1], Large, iterator},
            {3, #{1 => a}, iterator},
            {-1, #{1 => a}, iterator},
            {x, #{1 => a}, []}
        ]
    ],
    show("many keys", fun() -> length(maps:to_list([lists:seq(1, 100) | Large])) end),
    show("text", fun() -> lists:flatten(io_lib:format("~kp", [#{b => 1, a => 2, c => #{}}])) end).

map_heads() ->
    [
        begin
            T = ets:new(t, [Kind]),
            ets:insert(T, [
                {#{}, 1},
                {#{1 => a}, 2},
                {#{1 => a, 2 => b}, 3},
                {{#{1 => a}, 1}, 4},
                {{#{1 => a, 2 => b}, 1}, 5},
                {[#{}], 6},
                {[#{1 => a}], 7}
            ]),
            [
                show(io_lib:format("~p ~0p", [Kind, Key]), fun() ->
                    {lists:sort(ets:match(T, {Key, '$1'})), ets:select_count(T, [{{Key, '_'}, [], [true]}])}
                end)
             || Key <- [#{}, #{1 => a}, #{1 => '_'}, {#{}, 1}, {#{1 => a}, 1}, {#{1 => a}, '_'}, [#{}], [#{1 => a}]]
            ]
        end
     || Kind <- [set, ordered_set, bag]
    ].

bags() ->
    [
        begin
            T = ets:new(t, [Kind]),
            ets:insert(T, [{2, x}, {3, y}, {2, z}, {2, w}]),
            ets:insert(T, [{2, x}, {2, p}]),
            ets:insert_new(T, [{5, a}, {5, b}]),
            show(Kind, fun() -> {ets:lookup(T, 2), ets:lookup_element(T, 5, 2), ets:take(T, 2)} end)
        end
     || Kind <- [bag, duplicate_bag]
    ].

positions() ->
    T = ets:new(t, [set]),
    ets:insert(T, {key, 1}),
    [
        show(io_lib:format("~p ~0p", [F, A]), fun() -> cause(fun() -> apply(ets, F, [T | A]) end) end)
     || {F, A} <- [
            {update_element, [key, {9, x}]},
            {update_element, [key, {0, x}]},
            {update_element, [key, {1, x}]},
            {update_element, [none, {9, x}]},
            {update_element, [none, {9, x}, {a, b}]},
            {update_element, [none, {2, x}, {}]},
            {update_element, [none, {2, x}, x]},
            {update_counter, [key, {9, 1}]},
            {update_counter, [none, {2, 1}, {}]}
        ]
    ].

encoding() ->
    show("atoms", fun() -> [term_to_binary(A) || A <- ['', a, 'å', list_to_atom(lists:duplicate(255, 960))]] end),
    show("latin-1", fun() -> [term_to_binary(A, [{minor_version, 1}]) || A <- [a, 'å']] end),
    Tag = fun(Term) -> binary:at(term_to_binary(Term), 1) end,
    show("tags", fun() -> [Tag(hd(erlang:ports())), Tag(self()), Tag(make_ref())] end),
    show("size", fun() -> erlang:external_size(hd(erlang:ports())) =:= byte_size(term_to_binary(hd(erlang:ports()))) end).

packets() ->
    [
        show(Uri, fun() -> erlang:decode_packet(http, list_to_binary(["GET ", Uri, " HTTP/1.1\r\n"]), []) end)
     || Uri <- ["http://[::1]:80/a", "http://[::1]/", "https://[a]", "http://[::1]:99999/", "http://[::1", "http://a:99999/"]
    ],
    [show("bits", fun() -> cause(fun() -> erlang:decode_packet(Type, Bits, []) end) end) || Type <- [raw, 1, line, http], Bits <- [<<1:4>>, <<0:12>>]].

labels() ->
    Parent = self(),
    Labelled = spawn(fun() ->
        put(key, {"a", value}),
        proc_lib:set_label({worker, 1}),
        Parent ! ready,
        receive
            stop -> ok
        end
    end),
    receive
        ready -> ok
    end,
    Plain = spawn(fun() ->
        receive
            stop -> ok
        end
    end),
    {Dead, Monitor} = spawn_monitor(fun() -> ok end),
    receive
        {'DOWN', Monitor, process, Dead, normal} -> ok
    end,
    [
        show(io_lib:format("~0p", [Item]), fun() -> process_info(Pid, Item) end)
     || Item <- [
            label,
            {dictionary, key},
            {dictionary, nothing},
            [label, {dictionary, key}, trap_exit, {dictionary, 1.0}],
            {dictionary},
            {something, key},
            {dictionary, key, more},
            [{something, key}]
        ],
        Pid <- [Labelled, Plain, Dead]
    ],
    show("labels", fun() -> [proc_lib:get_label(Pid) || Pid <- [Labelled, Plain, Dead]] end),
    put(key, mine),
    show("own", fun() -> process_info(self(), [{dictionary, key}, label]) end).
