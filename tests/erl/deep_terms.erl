%% Terms nested very deeply go through everything that looks into terms.
%%
%% gcstress: small
-module(deep_terms).
-export([main/0, main/1]).
main() -> main(200000).
main([small]) -> main(100);
main(N) ->
    L = nest_l(N, []), T = nest_t(N, {}), M = nest_m(N, #{}), F = nest_f(N, fun() -> 0 end),
    lists:foreach(fun({Name, D}) -> all(Name, D) end, [{list, L}, {tuple, T}, {map, M}, {'fun', F}]),
    Tab = ets:new(t, []), ets:insert(Tab, [{1, nest_l(N, [x])}, {2, nest_t(N, x)}, {3, nest_m(N, x)}]),
    Below = [nest_l(N, ['$1']), nest_t(N, '$1'), nest_m(N, '$1'), nest_l(N, ['_', '$1']), nest_t(N, y)],
    erlang:display({below, [ets:match(Tab, {'$0', P}) || P <- Below]}),
    erlang:display(done).
all(Name, D) ->
    E = copy(D),
    erlang:display({Name, D =:= E, D == E, D < [E], D > E, phash(D) =:= phash(E)}),
    B = term_to_binary(D),
    erlang:display({Name, byte_size(B), Name =:= 'fun' orelse binary_to_term(B) =:= D, erlang:external_size(D) > 0}),
    Tab = ets:new(t, []), ets:insert(Tab, {key, D}), [{key, X}] = ets:lookup(Tab, key),
    erlang:display({Name, X =:= D, ets:match(Tab, {'$1', D})}),
    %% Variables beside and below what is deep: the deep part stays one constant, or each level of it is a step.
    ets:insert(Tab, {[7 | key], [D, a, {D}]}),
    erlang:display({Name, ets:match(Tab, {['$2' | '$1'], [D, '$3', {E}]}), ets:match(Tab, {['$2' | '$1'], [D, b, {E}]})}),
    ets:insert(Tab, {D, 1}), erlang:display({Name, ets:lookup(Tab, D) =:= [{D, 1}], ets:delete(Tab)}),
    O = ets:new(o, [ordered_set]), ets:insert(O, {D, 1}), erlang:display({Name, ets:member(O, E), ets:delete(O)}),
    erlang:garbage_collect(),
    {P, R} = spawn_monitor(erlang, exit, [D]),
    receive {'DOWN', R, _, P, W} -> erlang:display({Name, W =:= D}) end,
    process_flag(trap_exit, true),
    Q = spawn_link(fun() -> receive go -> exit(D) end end), Q ! go,
    receive {'EXIT', Q, V} -> erlang:display({Name, V =:= D}) end,
    try error(D) catch error:C -> erlang:display({Name, C =:= D}) end,
    put(d, D), erlang:display({Name, get(d) =:= D, erase(d) =:= E}),
    persistent_term:put(d, D), erlang:display({Name, persistent_term:get(d) =:= D, persistent_term:erase(d)}),
    erlang:display({Name, erts_debug:flat_size(D) > 0, erlang:max(D, 1) =:= D, lists:member(D, [1, E])}),
    erlang:display({Name, maps:get(D, #{E => 1, 2 => 3}), #{D => 1} =:= #{E => 1}}),
    {Text, _} = {byte_size(term_to_binary(D)), 0},
    erlang:display({Name, Text > 0}).
phash(D) -> erlang:phash2(D).
copy(D) -> S = self(), P = spawn(fun() -> receive X -> S ! {self(), X} end end), P ! D, receive {P, X} -> X end.
nest_l(0, X) -> X; nest_l(N, X) -> nest_l(N - 1, [X]).
nest_t(0, X) -> X; nest_t(N, X) -> nest_t(N - 1, {a, X}).
nest_m(0, X) -> X; nest_m(N, X) -> nest_m(N - 1, #{a => X}).
nest_f(0, X) -> X; nest_f(N, X) -> nest_f(N - 1, fun() -> X end).
