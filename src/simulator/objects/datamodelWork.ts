/** Field tables of tasks, sessions and messages, and of the structs that travel in answers only. See datamodel.ts for the notation. */

/** One line a field: name, wire type, access, first release, default where it is not the type's empty value. */
export const classesOfWork: Readonly<Record<string, string>> = {
  task: `
    uuid               string                                  RO rio
    name_label         string                                  RO rio
    name_description   string                                  RO rio
    allowed_operations set:enum:task_allowed_operations        RO rio
    current_operations map:string:enum:task_allowed_operations RO rio
    created            datetime                                RO rio
    finished           datetime                                RO rio
    status             enum:task_status_type                   RX rio
    resident_on        ref:host                                RO rio
    progress           float                                   RX rio
    type               string                                  RO rio
    result             string                                  RX rio
    error_info         set:string                              RX rio
    other_config       map:string:string                       RA miami
    subtask_of         ref:task                                RO orlando
    subtasks           set:ref:task                            RO orlando
    backtrace          string                                  RO dundee "()"
  `,
  session: `
    uuid               string            RO rio
    this_host          ref:host          RO rio
    this_user          ref:user          RO rio
    last_active        datetime          RO rio
    pool               bool              RO rio
    other_config       map:string:string RW miami
    is_local_superuser bool              RO george
    subject            ref:subject       RO george
    validation_time    datetime          RO george
    auth_user_sid      string            RO george
    auth_user_name     string            RO midnight-ride
    rbac_permissions   set:string        RO midnight-ride
    tasks              set:ref:task      RO midnight-ride
    parent             ref:session       RO midnight-ride
    originator         string            RO clearwater
    client_certificate bool              RO 21.2.0
  `,
  message: `
    uuid      string   RO rio
    name      string   RO rio
    priority  int      RO rio
    cls       enum:cls RO orlando
    obj_uuid  string   RO rio
    timestamp datetime RO rio
    body      string   RO rio
  `,
  data_source: `
    name_label       string RO rio
    name_description string RO rio
    enabled          bool   RO rio
    standard         bool   RO rio
    units            string RO rio
    min              float  RO rio
    max              float  RO rio
    value            float  RO rio
  `,
  event: `
    id        string RO boston
    timestamp string RO boston
    class     string RO boston
    operation string RO boston
    ref       string RO boston
    snapshot  typed  RO boston
  `,
  old_event: `
    id        int      RO rio
    timestamp datetime RO rio
    class     string   RO rio
    operation string   RO rio
    ref       string   RO rio
    obj_uuid  string   RO rio
    snapshot  typed    RO boston
  `,
  event_batch: `
    events           set:record:event RO boston
    valid_ref_counts map:string:int32 RO boston
    token            string           RO boston
  `,
};
