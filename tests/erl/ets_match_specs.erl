%% Match specifications by themselves: guards, bodies, special forms, what is refused and how that is said.
-module(ets_match_specs).
-export([main/0]).
-include("show.hrl").

main() ->
    guards(),
    bodies(),
    functions(),
    mistakes(),
    traces(),
    long_texts(),
    variables_and_ends(),
    compiled().

%% The outcome for one object.
t(Object, Guards, Body) ->
    {Object, Guards, Body,
     try erlang:match_spec_test(Object, [{{'$1', '$2'}, Guards, Body}], table)
     catch C:R -> {C, R}
     end}.

in_table(Object, MS) ->
    T = ets:new(t, []),
    ets:insert(T, Object),
    R = try ets:select(T, MS) catch C:E -> {C, E} end,
    ets:delete(T),
    R.

guards() ->
    [erlang:display(t({1, X}, [G], ['$_'])) || X <- [1, 1.0, a, [1]],
        G <- [true, false, foo, '$2', {'==', '$2', 1}, {'=:=', '$2', 1}, {'/=', '$2', 1},
              {'=/=', '$2', 1}, {'<', '$2', 2}, {'>', '$2', 2}, {'=<', '$2', 1}, {'>=', '$2', 1},
              {is_integer, '$2'}, {'not', {is_integer, '$2'}},
              {'and', {is_integer, '$2'}, {'>', '$2', 0}}, {'or', {is_atom, '$2'}, {is_list, '$2'}},
              {'or', true, {hd, '$2'}}, {'orelse', true, {hd, '$2'}}, {'andalso', false, {hd, '$2'}},
              {'orelse', {is_atom, '$2'}, {'==', {hd, '$2'}, 1}}, {'xor', true, {is_atom, '$2'}},
              {'andalso', {is_number, '$2'}, {'<', '$2', 3}}, {'and', true, foo}, {'not', foo},
              {'and', true}, {'or', false, true, false}, {'andalso', true, true, '$2'},
              {'+', '$2', 1}, {'==', {'+', '$2', 1}, 2}, {'==', {'-', '$2'}, -1},
              {'==', '$_', {{1, '$2'}}}, {'==', '$$', [1, '$2']}, {'==', {element, 2, '$_'}, 1}]],
    erlang:display(t({1, 2}, [true, true], [ok])),
    erlang:display(t({1, 2}, [true, false], [ok])),
    erlang:display(t({1, 2}, [{'==', '$1', 1}, {'==', '$2', 2}], [ok])).

bodies() ->
    [begin
         erlang:display(t({1, {a, b}}, [], [B])),
         erlang:display(in_table({1, {a, b}}, [{{'$1', '$2'}, [], [B]}]))
     end
     || B <- ['$1', '$2', '$_', '$$', foo, 1.5, "text", <<"bin">>, [], {{}}, {{'$1'}}, {{'$2', '$1'}},
              ['$1', '$2'], ['$1' | '$2'], [x, {{'$1', [y, '$2']}}], #{a => '$1', '$2' => [z]},
              #{}, {const, {'$1', x}}, {const, '$1'}, {{const, '$1'}}, {hd, '$1'}, {{'$1', {hd, '$1'}}},
              {hd, {hd, '$1'}}, {element, 1, '$2'}, {element, '$1', '$2'}, {element, 3, '$2'},
              {'andalso', foo, true}, {'andalso', true, foo}, {'andalso', false, foo},
              {'orelse', false, false, '$2'}, {'and', false, foo}, {'xor', true, true}, {'not', 1},
              {'+', '$1', a}, {'+', '$1', 1.5}, {'div', '$1', 0}, '_', '$a', {self_, 1},
              {is_record, '$2', a, 2}, {is_record, '$2', a, 3}, {is_record, {const, {r}}, r, 1},
              {size, '$2'}, {'bsl', '$1', 100}, {'abs', {'-', {'bsl', 1, 70}}},
              {binary_part, <<"abcdef">>, 1, 3}, {binary_part, <<"abcdef">>, {{1, 3}}},
              {map_get, a, #{a => '$2'}}, {map_get, b, #{a => '$2'}}, {map_size, #{x => 1}},
              {is_map_key, a, #{a => 1}}, {length, [a, b]}, {tl, ['$1', '$2']}]],
    erlang:display(t({1, 2}, [], [{hd, []}, '$1', last])),
    ?SHOW(erlang:match_spec_test({1, 2}, [{{'$1', '$2'}, [], [{self}]}], table)
          =:= {ok, self(), [], []}),
    ?SHOW(erlang:match_spec_test({1, 2}, [{{'$1', '$2'}, [], [{node}]}], table)),
    ?SHOW(erlang:match_spec_test({self(), 2}, [{{'$1', '$2'}, [], [{node, '$1'}]}], table)).

functions() ->
    One = [abs, is_atom, is_float, is_integer, is_list, is_number, is_pid, is_port, is_reference,
           is_tuple, is_map, is_binary, is_function, size, bit_size, byte_size, length, hd, tl, node,
           round, trunc, float, map_size, 'bnot', '+', '-', 'not'],
    Two = ['+', '-', '*', '/', 'div', 'rem', 'band', 'bor', 'bxor', 'bsl', 'bsr', '==', '=:=', '/=',
           '=/=', '<', '>', '=<', '>=', element, is_map_key, map_get, 'xor', binary_part],
    Values = [0, 3, -4, 2.5, a, true, [], [1, 2], {1, 2}, <<"xyz">>, <<1:3>>, #{1 => 2}, 1 bsl 65],
    [erlang:display({F, V, erlang:match_spec_test({V, 0}, [{{'$1', '_'}, [], [{F, '$1'}]}], table)})
     || F <- One, V <- Values],
    [erlang:display({F, V, W, erlang:match_spec_test({V, W}, [{{'$1', '$2'}, [], [{F, '$1', '$2'}]}], table)})
     || F <- Two, V <- [1, 2.0, a, {1, 2}, 1 bsl 65], W <- [2, 0, b, {x, y}, #{1 => z, a => q}]],
    ok.

mistakes() ->
    [erlang:display({MS, try erlang:match_spec_test({1, 2}, MS, table) catch C:R -> {C, R} end,
                     in_table({1, 2}, MS)})
     || MS <- [x, [], [x], [{a, b}], [{'_', [], [1]} | x], [{'_', x, [1]}], [{'_', [], x}], [{'_', [], []}],
               [{'_', [], [1 | 2]}], [{'_', [1 | 2], [1]}], [{'_', [], ['$1']}], [{'_', ['$1'], ['$2']}],
               [{{'$1', '$2'}, [], ['$3', {a, b}, {foo}]}], [{'_', [{}], [{1, 2}]}],
               [{'_', [], [{const, 1, 2}]}], [{'_', [], [{const}]}],
               [{'_', [], [{'and'}, {'or'}, {'andalso'}, {'orelse'}]}],
               [{'_', [], [{'not', 1, 2}, {'xor', 1}]}], [{'_', [], [{self, 1}, {node, 1, 2}]}],
               [{'_', [], [{is_record, 1}]}], [{'_', [{message, 1}], [1]}],
               [{'_', [], [{message, 1}, {return_trace}, {exception_trace}, {caller}, {display, 1}]}],
               [{'_', [], [{silent, true}, {trace, [], []}, {enable_trace, x}, {disable_trace, x}]}],
               [{'_', [], [{set_seq_token, 1, 2}, {get_seq_token}, {is_seq_trace}, {process_dump}]}],
               [{'_', [], [{get_tcw}, {set_tcw, 1}, {caller_line}]}],
               [{'_', [], [{'+', 1, 2, 3}, {setelement, 1, 2, 3}, {atom_to_list, x}]}],
               [{'_', [], [{is_boolean, 1}, {tuple_size, 1}, {is_bitstring, 1}, {ceil, 1}, {max, 1, 2}]}],
               [{{'$1', #{'$2' => 1}}, [], ['$1']}], [{{'$1', #{'_' => 1}}, [], ['$1']}],
               [{foo, [], [1]}], [{{1}, [], [1]}, {'_', [], ['$9']}]]],
    [?TRY(erlang:match_spec_test({1, 2}, [{'_', [], [1]}], X)) || X <- [foo, 1, "x"]],
    ?TRY(erlang:match_spec_test(1, [{'_', [], [1]}], trace)).

traces() ->
    [erlang:display({MS, try erlang:match_spec_test([1, 2], MS, trace) catch C:R -> {C, R} end})
     || MS <- [[{'_', [], []}], [{['$1', '_'], [], [{message, '$1'}, {return_trace}]}],
               [{['$1', '_'], [], [{exception_trace}, {message, false}]}],
               [{['$1', '_'], [], [{exception_trace}, {return_trace}]}],
               [{['$1', '_'], [{hd, 1}], [{message, no}]}], [{'_', [], [{hd, 1}, {message, x}]}],
               [{'_', [], [{message, {caller}}]}], [{'_', [], [{message, {get_tcw}}]}],
               [{'_', [], [{message, {get_seq_token}}]}], [{'_', [], [{message, {is_seq_trace}}]}],
               [{'_', [], [{message, {silent, true}}]}], [{'_', [], [{message, {return_trace}}]}],
               [{'_', [], [{message, {caller_line}}]}], [{'_', [], [{message, {hd, 1}}]}],
               [{'$1', [], [{message, '$1'}]}], [{'_', [], [{message, '$_'}]}],
               [{['$1', '$2'], [], [{message, '$$'}]}], [{['$1'], [], [{message, '$1'}]}],
               [{['$1' | '$2'], [], [{message, '$1'}]}], [{['$1', a | b], [], []}],
               [{foo, [], []}], [{1, [], []}], [{#{}, [], []}], [{[], [], []}], [{{'$1', '_'}, [], [{message, '$1'}]}],
               [{'_', [], [{message}]}], [{'_', [], [{return_trace, 1}, {display}, {caller, 1}, {silent}]}],
               [{'_', [{message, 1}, {set_tcw, 1}, {caller}, {get_tcw}, {return_trace}, {get_seq_token}], []}],
               [{'_', [{is_seq_trace}], []}], [{'_', [], x}], [{'_', x, []}], [{'_', [], [1 | 2]}], [], x,
               [{['$1', 1], [], [{message, a}]}, {['$1', 2], [], [{message, b}]}],
               [{'_', [], [foo, '$_', 1]}],
               %% What of several wrong things is told.
               [{foo, 2, [{q, 1}]}], [{['$1' | 2], 2, [{q, 1}]}], [{['$1'], [{q, 1}], [{r, 1}]}, {['$1'], [], [{s, 1}]}],
               [{['$1'], [], [{q, 1}]}, foo], [{['$1'], [], [{q, 1}]}, {['$1' | 2], [], []}], [{['$1'], [], [{q, 1}]}, {foo, [], []}],
               [{foo, 2, [{q, 1}]}, {['$1'], [], [{q, 1}]}]]],
    ?SHOW(erlang:match_spec_test({a}, id([{{'$1'}, 2, [{q, 1}]}, {{'$1'}, 2, [{q, 1}]}]), table)),
    ok.

%% Texts end where OTP has no more room for them, and are bytes.
long_texts() ->
    Long = fun(N, C) -> list_to_atom(lists:duplicate(N, C)) end,
    [?SHOW(erlang:match_spec_test({a, b}, [{{'$1', '$2'}, id(G), id(B)}], table))
     || {G, B} <- [{[{Long(N, $a), 1}], ['$_']} || N <- [70, 71, 72, 73, 90, 255]] ++
                  [{[], [{Long(N, 1000)}]} || N <- [20, 50, 255]] ++
                  [{[], [{lists:duplicate(N, $x)}]} || N <- [20, 30, 200]] ++
                  [{[], [{lists:duplicate(5, 200)}]}, {[], [{1 bsl 300}]}, {[], [{const, lists:seq(1, 50), 1}]}]],
    ok.

%% Variables are no names of functions; what is wrong with the elements of a list comes before what is wrong with its end.
variables_and_ends() ->
    [?SHOW(erlang:match_spec_test({a, b}, [{{'$1', '$2'}, id(G), id(B)}], table))
     || {G, B} <- [{[{'$7'}], ['$_']}, {[{'$1', 1}], ['$_']}, {[], [{'$0'}]}, {[], [{'$_'}]}, {[], [{'$$', 1}]}, {[], [{'$7a'}]}, {[], [{'_'}]},
                   {[{foo, '$1'} | bar], ['$_']}, {[{'==', '$1', a} | bar], ['$_']}, {[], ['$_' | bar]}, {[], ['$3' | bar]},
                   {[{'or', true, '$9'} | x], [{nofun, '$1'} | y]}, {bar, ['$9']}, {[true | bar], bar}]],
    [?TRY(erlang:match_spec_test(id(Arguments), [{Head, [], [{message, '$1'}]}], trace))
     || Arguments <- [[1 | 2], [1, 2 | 3], [], foo, {1}], Head <- [['$1'], '$1', ['$1', '_'], ['$1' | '$2']]],
    ok.

compiled() ->
    MS = ets:match_spec_compile([{{1, '$1'}, [], ['$1']}, {{'_', '_'}, [], [{{x, '$_', "const"}}]}]),
    ?SHOW({is_reference(MS), ets:is_compiled_ms(MS), ets:is_compiled_ms(make_ref()), ets:is_compiled_ms(x)}),
    garbage_collect(),
    ?SHOW(ets:match_spec_run_r([{1, 2}, {2, 3}, {3}, x, {1, [y]}], MS, [z])),
    ?SHOW(ets:match_spec_run([{1, 2}, {2, 3}, {3}, x, {1, [y]}], MS)),
    ?SHOW(ets:match_spec_run_r([{1, 2}], MS, tail)),
    ?SHOW(ets:match_spec_run_r([], MS, tail)),
    ?TRY(ets:match_spec_run_r([{1, 2} | x], MS, [])),
    ?TRY(ets:match_spec_run_r(x, MS, [])),
    ?TRY(ets:match_spec_run_r([], x, [])),
    ?TRY(ets:match_spec_compile(x)),
    ?TRY(ets:match_spec_compile([])),
    ?TRY(ets:match_spec_compile([{'_', [], ['$1']}])),
    ?SHOW(ets:test_ms({1, 2}, [{{'$1', '$2'}, [], [{hd, 1}]}])),
    ?SHOW(ets:test_ms({1, 2}, [{{'$1'}, [], [{hd, 1}]}])).
