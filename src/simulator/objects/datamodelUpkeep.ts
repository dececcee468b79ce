/** Field tables of updates, drivers, dumps of crashes and what else keeps hosts going. See datamodel.ts for the notation. */

/** One line a field: name, wire type, access, first release, default where it is not the type's empty value. */
export const classesOfUpkeep: Readonly<Record<string, string>> = {
  pool_patch: `
    uuid                 string                        RO miami
    name_label           string                        RO miami
    name_description     string                        RO miami
    version              string                        RO miami
    size                 int                           RO miami
    pool_applied         bool                          RO miami
    host_patches         set:ref:host_patch            RO miami
    after_apply_guidance set:enum:after_apply_guidance RO miami
    pool_update          ref:pool_update               RO miami
    other_config         map:string:string             RW miami
  `,
  pool_update: `
    uuid                 string                        RO ely
    name_label           string                        RO ely
    name_description     string                        RO ely
    version              string                        RO ely
    installation_size    int                           RO ely
    key                  string                        RO ely
    after_apply_guidance set:enum:after_apply_guidance RO ely
    vdi                  ref:VDI                       RO ely
    hosts                set:ref:host                  RO ely
    other_config         map:string:string             RW inverness
    enforce_homogeneity  bool                          RO ely
  `,
  host_patch: `
    uuid              string            RO rio
    name_label        string            RO rio
    name_description  string            RO rio
    version           string            RO rio
    host              ref:host          RO rio
    applied           bool              RO rio
    timestamp_applied datetime          RO rio
    size              int               RO rio
    pool_patch        ref:pool_patch    RO miami
    other_config      map:string:string RW miami
  `,
  host_crashdump: `
    uuid         string            RO rio
    host         ref:host          RO rio
    timestamp    datetime          RO rio
    size         int               RO rio
    other_config map:string:string RW miami
  `,
  crashdump: `
    uuid         string            RO rio
    VM           ref:VM            RO rio
    VDI          ref:VDI           RO rio
    other_config map:string:string RW miami
  `,
  SM: `
    uuid                    string                     RO rio
    name_label              string                     RO rio
    name_description        string                     RO rio
    type                    string                     RO rio
    vendor                  string                     RO rio
    copyright               string                     RO rio
    version                 string                     RO rio
    required_api_version    string                     RO rio
    configuration           map:string:string          RO rio
    capabilities            set:string                 RO miami
    features                map:string:int             RO clearwater
    other_config            map:string:string          RW miami
    driver_filename         string                     RO orlando
    required_cluster_stack  set:string                 RO dundee
    supported_image_formats set:enum:image_format_type RO 26.15.0
  `,
  Feature: `
    uuid             string   RO falcon
    name_label       string   RO falcon
    name_description string   RO falcon
    enabled          bool     RO falcon
    experimental     bool     RO falcon
    version          string   RO falcon "1.0"
    host             ref:host RO falcon
  `,
  Host_driver: `
    uuid             string                 RO 25.2.0
    host             ref:host               RO 25.2.0
    name             string                 RO 25.2.0
    friendly_name    string                 RO 25.2.0
    variants         set:ref:Driver_variant RO 25.2.0
    active_variant   ref:Driver_variant     RO 25.2.0
    selected_variant ref:Driver_variant     RO 25.2.0
    type             string                 RO 25.2.0
    description      string                 RO 25.2.0
    info             string                 RO 25.2.0
  `,
  Driver_variant: `
    uuid             string          RO 25.2.0
    name             string          RO 25.2.0
    driver           ref:Host_driver RO 25.2.0
    version          string          RO 25.2.0
    hardware_present bool            RO 25.2.0
    priority         float           RO 25.2.0
    status           string          RO 25.2.0
  `,
  Repository: `
    uuid             string                 RO 1.301.0
    name_label       string                 RW 1.301.0
    name_description string                 RW 1.301.0
    binary_url       string                 RO 1.301.0
    source_url       string                 RO 1.301.0
    update           bool                   RO 1.301.0
    hash             string                 RO 1.301.0
    up_to_date       bool                   RO 1.301.0
    gpgkey_path      string                 RW 22.12.0
    origin           enum:repository_origin RO 24.23.0
    certificate      string                 RO 25.7.0
  `,
  Observer: `
    uuid             string            RO 23.14.0
    name_label       string            RW 23.14.0
    name_description string            RW 23.14.0
    hosts            set:ref:host      RX 23.14.0
    attributes       map:string:string RW 23.14.0
    endpoints        set:string        RX 23.14.0
    components       set:string        RX 23.14.0
    enabled          bool              RW 23.14.0
  `,
  blob: `
    uuid             string   RO rio
    name_label       string   RW rio
    name_description string   RW rio
    size             int      RO rio
    public           bool     RW tampa
    last_updated     datetime RO rio
    mime_type        string   RO rio
  `,
};
