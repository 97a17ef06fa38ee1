%% Tracing of calls: global and local, of built-in functions, what they return, where to, exceptions, match specifications, meta tracing.
-module(tracing_calls).
-export([main/0, double/1, twice/2, sum/1, count/1, fail/1, caught/1, thrown/0, bits/1, deep/1,
         raise/1, through/1, inside/1, nested/1]).
-include("show.hrl").
-include("traced.hrl").

double(X) -> X + X.
twice(F, X) -> Y = F(X), F(Y).
sum(0) -> 0;
sum(N) -> N + sum(N - 1).
count(0) -> done;
count(N) -> count(N - 1).
fail(X) -> error({failed, X}).
caught(X) -> try fail(X), ok catch error:{failed, Y} -> {caught, Y} end.
thrown() -> catch throw(ball).
bits(Bits) -> first(Bits).
first(<<A, Rest/bits>>) -> [A | first(Rest)];
first(<<>>) -> [].
deep(0) -> lists:seq(1, 50);
deep(N) -> [N | deep(N - 1)].
last(X) -> integer_to_list(X).
local(X) -> double(X).
%% Built-in functions that never return, called last of all without a frame, and in the middle.
raise(X) -> error(X).
through(Fun) -> Fun().
inside(X) -> try error(X), ok catch error:Y -> {inside, Y} end.
nested([]) -> raise(nested);
nested([X | Rest]) -> [X | nested(Rest)].

pattern(Name, Specification, Options) ->
    erlang:trace_pattern({?MODULE, Name, '_'}, Specification, Options).

main() ->
    Pid = spawn(fun served/0),
    ?SHOW(erlang:trace(Pid, true, [call])),
    global(Pid),
    locally(Pid),
    returns(Pid),
    exceptions(Pid),
    built_in(Pid),
    specifications(Pid),
    meta(Pid),
    ?SHOW(erlang:trace(Pid, false, [all])),
    do(Pid, fun() -> ?MODULE:double(1) end),
    ?SHOW(traces(Pid)),
    Pid ! stop.

global(Pid) ->
    ?SHOW(pattern(double, true, [])),
    do(Pid, fun() -> {double(1), ?MODULE:double(2), apply(?MODULE, double, [3]), local(4)} end),
    do(Pid, fun() -> F = fun ?MODULE:double/1, F(5) end),
    ?SHOW(traces(Pid)),
    ?SHOW(pattern(double, false, [])).

locally(Pid) ->
    ?SHOW(pattern(double, true, [local])),
    ?SHOW(pattern(local, true, [local])),
    do(Pid, fun() -> {double(1), ?MODULE:double(2), local(4)} end),
    ?SHOW(traces(Pid)),
    erlang:trace(Pid, true, [arity]),
    do(Pid, fun() -> local(4) end),
    ?SHOW(traces(Pid)),
    erlang:trace(Pid, false, [arity]),
    ?SHOW(pattern(bits, true, [local])),
    ?SHOW(pattern(first, true, [local])),
    do(Pid, fun() -> bits(<<7, 8>>) end),
    ?SHOW(traces(Pid)),
    ?SHOW(pattern('_', false, [local])).

returns(Pid) ->
    pattern('_', [{'_', [], [{return_trace}]}], [local]),
    [pattern(Name, false, [local]) || Name <- [served, do, traces, plain, id]],
    do(Pid, fun() -> sum(3) end),
    ?SHOW(traces(Pid)),
    do(Pid, fun() -> count(3) end),
    ?SHOW(traces(Pid)),
    do(Pid, fun() -> length(deep(30)) end),
    ?SHOW(traces(Pid)),
    erlang:trace(Pid, true, [return_to]),
    do(Pid, fun() -> twice(fun double/1, 5) end),
    ?SHOW(traces(Pid)),
    pattern('_', true, [local]),
    [pattern(Name, false, [local]) || Name <- [served, do, traces, plain, id]],
    do(Pid, fun() -> {local(1), count(2), sum(2)} end),
    ?SHOW(traces(Pid)),
    erlang:trace(Pid, false, [return_to]),
    pattern('_', false, [local]).

exceptions(Pid) ->
    pattern(fail, [{'_', [], [{exception_trace}]}], [local]),
    pattern(caught, [{'_', [], [{exception_trace}]}], [local]),
    pattern(thrown, [{'_', [], [{exception_trace}]}], [local]),
    do(Pid, fun() -> {caught(1), thrown()} end),
    ?SHOW(traces(Pid)),
    erlang:trace(Pid, true, [return_to]),
    do(Pid, fun() -> caught(2) end),
    ?SHOW(traces(Pid)),
    erlang:trace(Pid, false, [return_to]),
    pattern('_', false, [local]),
    raising(Pid).

raising(Pid) ->
    [pattern(Name, [{'_', [], [{exception_trace}]}], [local]) || Name <- [raise, through, inside, nested]],
    erlang:trace_pattern({erlang, error, 1}, [{'_', [], [{exception_trace}]}], []),
    [begin
         do(Pid, fun() -> catch Call(Argument) end),
         ?SHOW(traces(Pid))
     end || {Call, Argument} <- [{fun raise/1, one}, {fun through/1, fun() -> error(two) end}, {fun through/1, fun() -> raise(three) end},
                                 {fun inside/1, four}]],
    %% Frames of tracing are not seen in a stack trace: a recursion is one entry, and who called is there.
    ?SHOW(do(Pid, fun() -> functions(fun() -> nested([1, 2, 3]) end) end)),
    ?SHOW(do(Pid, fun() -> functions(fun() -> [through(fun() -> error(five) end)] end) end)),
    _ = traces(Pid),
    erlang:trace_pattern({erlang, error, 1}, false, []),
    pattern('_', false, [local]).

functions(Fun) -> try Fun() catch _:_:Stack -> of_module(Stack) end.

of_module([{?MODULE, Function, Arity, _} | Rest]) -> [{Function, Arity} | of_module(Rest)];
of_module(_) -> [].

built_in(Pid) ->
    All = [{integer_to_list, 1}, {list_to_atom, 1}, {put, 2}, {throw, 1}],
    [?SHOW(erlang:trace_pattern({erlang, F, A}, [{'_', [], [{exception_trace}, {message, {caller}}]}], [local])) || {F, A} <- All],
    do(Pid, fun() -> {last(7), integer_to_list(id(8)), (catch list_to_atom(id(9))), put(a, b), thrown()} end),
    ?SHOW(traces(Pid)),
    do(Pid, fun() -> apply(erlang, integer_to_list, [id(1)]) end),
    ?SHOW(traces(Pid)),
    [?SHOW(erlang:trace_pattern({erlang, F, A}, false, [local])) || {F, A} <- All],
    do(Pid, fun() -> {last(7), put(a, c)} end),
    ?SHOW(traces(Pid)).

specifications(Pid) ->
    Specifications =
        [[{['$1'], [{'>', '$1', 5}], []}],
         [{['$1'], [{'>', '$1', 5}], [{message, {{more, '$1'}}}]}, {'_', [], [{message, less}]}],
         [{'_', [], [{message, false}, {return_trace}]}],
         [{'_', [], [{message, {caller}}]}],
         [{'_', [], [{message, {self}}]}],
         [{'_', [], [{message, {get_tcw}}]}],
         [{'_', [], [{silent, true}]}],
         [{'_', [], [{silent, false}]}],
         [{'_', [], [{disable_trace, call}]}]],
    [begin
         ?TRY(pattern(double, Specification, [local])),
         do(Pid, fun() -> {double(4), double(6)} end),
         erlang:display({Specification, traces(Pid)})
     end || Specification <- Specifications],
    ?SHOW(erlang:trace_info(Pid, flags)),
    erlang:trace(Pid, true, [call]),
    ?TRY(pattern(double, [{'_', [nonsense], []}], [local])),
    ?TRY(pattern(double, [{'_', [], [{return_trace, 1}]}], [local])),
    ?TRY(pattern(double, nonsense, [local])),
    pattern(double, false, [local]).

meta(Pid) ->
    erlang:trace(Pid, false, [all]),
    ?SHOW(pattern(double, [{'_', [], [{return_trace}]}], [meta])),
    do(Pid, fun() -> local(4) end),
    ?SHOW(traces(Pid)),
    ?SHOW(double(1)),
    ?SHOW(traces(Pid)),
    ?SHOW(pattern(double, false, [meta])),
    erlang:trace(Pid, true, [call]).
