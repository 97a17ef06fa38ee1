%% Included where literals are to be gone: release() comes back when nobody refers to those of purged modules, nor to persistent terms
%% that were replaced or erased.

%% On a machine without OTP's processes nobody does this by itself.
release() ->
    case whereis(init) of
        undefined -> switch();
        _ -> receive after 20 -> ok end
    end.

switch() ->
    case erts_literal_area_collector:release_area_switch() of
        true ->
            Area = make_ref(),
            [copied(Pid, Area, init) || Pid <- processes()],
            switch();
        false ->
            ok
    end.

copied(Pid, Area, Request) ->
    ok = erts_literal_area_collector:send_copy_request(Pid, Area, Request),
    receive
        {copy_literals, {Area, Request, Pid}, ok} -> ok;
        {copy_literals, {Area, init, Pid}, How} -> copied(Pid, Area, How)
    end.
