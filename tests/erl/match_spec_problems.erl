%% What is wrong with guards and bodies, in OTP's order: arguments from the last to the first, those of what is not there not at all.
-module(match_spec_problems).
-export([main/0]).

main() ->
    [erlang:display({Clause, problems(Clause)}) || Clause <- clauses()],
    ok.

clauses() ->
    [{'_', [], [{{'$1', '$2', '$3'}}]},
     {'_', [], [['$1', '$2', '$3']]},
     {'_', [], [['$1' | '$2']]},
     {'_', [], ['$1', '$2']},
     {'_', [], [#{'$1' => '$2', b => '$3'}]},
     {'_', [], [{{'$1', ['$2', {{'$3', '$4'}}]}}]},
     {'_', [], [{'+', '$1', {'-', '$2', '$3'}}]},
     {'_', [], [{{{{'$1'}}, {{'$2', '$3'}}}}]},
     {'_', [], [{{'$1', {foo}, '$2'}}]},
     {'_', [], [{{'$1', {const}, '$2'}}]},
     {'_', [], [{message, {{'$1', '$2'}}}]},
     {'_', [], [{self, '$1', '$2'}]},
     {'_', [{'>', '$1', '$2'}], [x]},
     {'_', [{'>', '$1', 1}, {'>', '$2', 1}], ['$3', '$4']},
     {'_', [{'and', '$1', '$2', '$3'}], [x]},
     {'_', [{'or', '$1', '$2', '$3'}], [x]},
     {'_', [{'andalso', '$1', '$2', '$3'}], [x]},
     {'_', [{'orelse', '$1', '$2', '$3'}], [x]},
     {'_', [{map_get, '$1', '$2'}], [x]},
     {'_', [{is_record, '$1', x, '$2'}], [x]},
     {'_', [{foo, '$1'}, {'+', '$1'}], [{bar, '$2', '$3'}]}].

problems(Clause) ->
    {error, Problems} = erlang:match_spec_test({a}, [Clause], table),
    [list_to_atom(Text) || {error, Text} <- Problems].
