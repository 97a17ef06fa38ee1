%% References: identity, comparison, printing, as keys, many of them.
-module(references).
-export([main/0]).
-include("show.hrl").

main() ->
    R = make_ref(),
    S = make_ref(),
    ?SHOW(R =:= R),
    ?SHOW(R == S),
    ?SHOW((R < S) xor (S < R)),
    ?SHOW(is_reference(R)),
    ?SHOW(list_to_ref(ref_to_list(R)) =:= R),
    ?SHOW(binary_to_term(term_to_binary(R)) =:= R),
    ?SHOW(erlang:phash2(R) =:= erlang:phash2(binary_to_term(term_to_binary(R)))),
    ?SHOW(node(R)),
    Many = [make_ref() || _ <- lists:seq(1, 10000)],
    ?SHOW(length(lists:usort(Many))),
    Index = maps:from_list(lists:zip(Many, lists:seq(1, 10000))),
    ?SHOW(lists:sum([map_get(X, Index) || X <- Many])),
    ?SHOW(maps:is_key(R, Index)),
    Self = self(),
    Pid = spawn(fun Loop() -> receive X -> Self ! {back, X}, Loop() end end),
    Pid ! R,
    ?SHOW(receive {back, R} -> same end),
    Pid ! {[R, S], #{R => S}},
    ?SHOW(receive {back, {[R, S], #{R := S}}} -> same end),
    exit(Pid, kill),
    Refs = [begin P = spawn(fun() -> Self ! {ref, self(), make_ref()} end), receive {ref, P, X} -> X end end || _ <- lists:seq(1, 100)],
    ?SHOW(length(lists:usort(Refs))),
    ?TRY(list_to_ref(id("#Ref<1>"))),
    ?TRY(ref_to_list(id(x))),
    ?SHOW(byte_size(term_to_binary(R)) > 10).
